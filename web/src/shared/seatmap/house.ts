// Where each seat is drawn. Pure: the contract knows sections, rows and columns, and this lays them out before a stage.
//
// One unit is the distance from seat to seat. The stage is at the top; sections stand in tiers, as many side by side as
// fit, in their own order, and the rows bend towards the stage.

/** Rows of equal length at one price, whose seats are numbered one after the other, row by row. */
export interface Section {
  name: string;
  rows: number;
  cols: number;
  price: number;
  firstNumber: number;
}

export interface Spot {
  number: number;
  section: string;
  row: number;
  col: number;
  price: number;
  x: number;
  y: number;
  /** Index in `House.blocks`. */
  block: number;
  /** 0 for the dearest price; the colour follows from it. */
  tier: number;
}

export interface Block {
  name: string;
  price: number;
  tier: number;
  rows: number;
  cols: number;
  /** Top left, before the rows are bent. */
  x: number;
  y: number;
  /** First index in `House.spots`, and how many. */
  first: number;
  count: number;
}

export interface House {
  /** In the order of their numbers: the first is seat 1. */
  spots: Spot[];
  blocks: Block[];
  /** Distinct prices, dearest first. */
  prices: number[];
  width: number;
  height: number;
  /** How far the ends of the widest row bend up. */
  bend: number;
  /** How deep the stage is. */
  stage: number;
}

const AISLE = 2.5;
const GANGWAY = 4.2;

const widthOf = (tier: readonly Section[]) => tier.reduce((sum, group) => sum + group.cols, 0) + AISLE * (tier.length - 1);

const firstWord = (section: Section) => section.name.split(/\s/)[0];

/** Neighbours whose names begin alike ("Lower West", "Lower East") belong together. */
function families(all: readonly Section[]): Section[][] {
  const made: Section[][] = [];
  for (const group of all) {
    const last = made.at(-1);
    const kin = last?.[0] !== undefined && firstWord(last[0]) === firstWord(group);
    if (kin) last.push(group);
    else made.push([group]);
  }
  return made;
}

/**
 * Sections side by side while they fit into a house about one and a half times as wide as deep. A family gets a tier of
 * its own where the names tell families apart.
 */
function tiers(all: readonly Section[]): Section[][] {
  const seats = all.reduce((sum, group) => sum + group.rows * group.cols, 0);
  const kin = families(all);
  const told = kin.length < all.length;
  const wished = Math.sqrt(seats * 1.8);
  const wide = told ? kin.map(widthOf).filter((width) => width <= wished * 1.5) : [];
  const widest = Math.max(1, wished, ...all.map((group) => group.cols), ...wide) * 1.05;
  const made: Section[][] = [];
  for (const family of told ? kin : [all]) {
    family.forEach((group, nth) => {
      const last = made.at(-1);
      const joins = last !== undefined && !(told && nth === 0) && widthOf([...last, group]) <= widest;
      if (joins) last.push(group);
      else made.push([group]);
    });
  }
  return made;
}

/** The seats of a section, row by row from the front. */
function seatsOf({ name, rows, cols, price, firstNumber }: Section) {
  return Array.from({ length: rows * cols }, (_, nth) => ({
    number: firstNumber + nth, section: name, row: Math.floor(nth / cols) + 1, col: (nth % cols) + 1, price,
  }));
}

/** The spots and blocks of a house whose sections are in the order of their numbers. */
export function layOut(sections: readonly Section[]): House {
  const prices = [...new Set(sections.map((section) => section.price))].sort((a, b) => b - a);
  const stacked = tiers(sections);
  const width = Math.max(8, ...stacked.map(widthOf));
  const bend = width * 0.05;
  const spots: Spot[] = [];
  const blocks: Block[] = [];
  const stage = Math.min(4, Math.max(1.1, width * 0.06));
  let y = stage + bend * 1.6 + (stacked.some((tier) => tier.length > 1) || stacked.length > 1 ? 2 : 0.6);
  for (const standing of stacked) {
    let x = (width - widthOf(standing)) / 2;
    for (const section of standing) {
      const { name, rows, cols, price } = section;
      const tier = prices.indexOf(price);
      const block = blocks.push({ name, price, rows, cols, x, y, tier, first: spots.length, count: rows * cols }) - 1;
      for (const seat of seatsOf(section)) {
        const seatX = x + seat.col - 0.5;
        const side = (2 * seatX) / width - 1;
        spots.push({ ...seat, x: seatX, y: y + seat.row - 0.5 - bend * side * side, block, tier });
      }
      x += cols + AISLE;
    }
    y += Math.max(...standing.map((section) => section.rows)) + GANGWAY;
  }
  return { spots, blocks, prices, width, height: y - GANGWAY, bend, stage };
}

export type Move = 'left' | 'right' | 'up' | 'down' | 'rowStart' | 'rowEnd' | 'nextSection' | 'previousSection';

const way: Partial<Record<Move, readonly [number, number]>> = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, -1],
  down: [0, 1],
};

function nearestThatWay(house: House, from: Spot, [dx, dy]: readonly [number, number]): number | null {
  let best: number | null = null;
  let bestCost = Infinity;
  house.spots.forEach((spot, index) => {
    const along = (spot.x - from.x) * dx + (spot.y - from.y) * dy;
    const across = Math.abs((spot.x - from.x) * dy) + Math.abs((spot.y - from.y) * dx);
    if (along < 0.4) return;
    const cost = along + across * 3;
    if (cost < bestCost) [best, bestCost] = [index, cost];
  });
  return best;
}

/** The seat that a key leads to; the same one where there is none that way. */
export function step(house: House, from: number, move: Move): number {
  const spot = house.spots[from];
  if (spot === undefined) return 0;
  const heading = way[move];
  if (heading !== undefined) return nearestThatWay(house, spot, heading) ?? from;
  if (move === 'nextSection' || move === 'previousSection') {
    const block = house.blocks[spot.block + (move === 'nextSection' ? 1 : -1)];
    return block === undefined ? from : block.first;
  }
  const row = house.spots
    .map((other, index) => ({ other, index }))
    .filter(({ other }) => other.block === spot.block && other.row === spot.row);
  return (move === 'rowStart' ? row[0] : row.at(-1))?.index ?? from;
}
