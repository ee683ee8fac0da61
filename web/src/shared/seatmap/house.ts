// Where each seat is drawn. Pure: the contract knows sections, rows and columns, and this lays them out before a stage.
//
// One unit is the distance from seat to seat. The stage is at the top; sections stand in tiers, as many side by side as
// fit, in their own order, and the rows bend towards the stage.

export interface SeatFact {
  id: string;
  number: number;
  section: string;
  row: number;
  col: number;
  price: number;
}

export interface Spot extends SeatFact {
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

type Group = { name: string; seats: SeatFact[]; rows: number; cols: number };

function groups(seats: readonly SeatFact[]): Group[] {
  const byName = new Map<string, Group>();
  for (const seat of [...seats].sort((a, b) => a.number - b.number)) {
    const group = byName.get(seat.section) ?? { name: seat.section, seats: [], rows: 0, cols: 0 };
    group.seats.push(seat);
    group.rows = Math.max(group.rows, seat.row);
    group.cols = Math.max(group.cols, seat.col);
    byName.set(seat.section, group);
  }
  return [...byName.values()];
}

const widthOf = (tier: readonly Group[]) => tier.reduce((sum, group) => sum + group.cols, 0) + AISLE * (tier.length - 1);

const firstWord = (group: Group) => group.name.split(/\s/)[0];

/** Neighbours whose names begin alike ("Lower West", "Lower East") belong together. */
function families(all: readonly Group[]): Group[][] {
  const made: Group[][] = [];
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
function tiers(all: readonly Group[]): Group[][] {
  const seats = all.reduce((sum, group) => sum + group.rows * group.cols, 0);
  const kin = families(all);
  const told = kin.length < all.length;
  const wished = Math.sqrt(seats * 1.8);
  const wide = told ? kin.map(widthOf).filter((width) => width <= wished * 1.5) : [];
  const widest = Math.max(1, wished, ...all.map((group) => group.cols), ...wide) * 1.05;
  const made: Group[][] = [];
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

/** The spots and blocks of a house; `spots` are in the order of the seats' numbers within each section. */
export function layOut(seats: readonly SeatFact[]): House {
  const prices = [...new Set(seats.map((seat) => seat.price))].sort((a, b) => b - a);
  const stacked = tiers(groups(seats));
  const width = Math.max(8, ...stacked.map(widthOf));
  const bend = width * 0.05;
  const spots: Spot[] = [];
  const blocks: Block[] = [];
  const stage = Math.min(4, Math.max(1.1, width * 0.06));
  let y = stage + bend * 1.6 + (stacked.some((tier) => tier.length > 1) || stacked.length > 1 ? 2 : 0.6);
  for (const tier of stacked) {
    let x = (width - widthOf(tier)) / 2;
    for (const group of tier) {
      const price = group.seats[0]?.price ?? 0;
      const { name, rows, cols } = group;
      const block = blocks.push({
        name, price, rows, cols, x, y, tier: prices.indexOf(price), first: spots.length, count: group.seats.length,
      }) - 1;
      for (const seat of group.seats) {
        const seatX = x + seat.col - 0.5;
        const side = (2 * seatX) / width - 1;
        spots.push({
          ...seat, x: seatX, y: y + seat.row - 0.5 - bend * side * side, block, tier: prices.indexOf(seat.price),
        });
      }
      x += cols + AISLE;
    }
    y += Math.max(...tier.map((group) => group.rows)) + GANGWAY;
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
