// Which part of a house a zoomed map shows, in words and in rows. Pure.

import type { Block, House } from './house.ts';

/** A part of the house, in its own units. */
export interface Frame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** How far a seat at `x` is bent up towards the stage. */
export function bentAt(house: House, x: number): number {
  const side = (2 * x) / house.width - 1;
  return house.bend * side * side;
}

/** The first and the last row of a block whose seats at `x` are in the frame; null if none is. */
export function rowsAt(house: House, block: Block, x: number, { top, bottom }: Frame): [number, number] | null {
  const above = block.y - bentAt(house, x) - 0.5;
  const first = Math.max(1, Math.ceil(top - above));
  const last = Math.min(block.rows, Math.floor(bottom - above));
  return first <= last ? [first, last] : null;
}

/** The part of a block that is in the frame from left to right; null if it is beside the frame. */
export function columnsOf(block: Block, { left, right }: Frame): [number, number] | null {
  const [from, to] = [Math.max(block.x, left), Math.min(block.x + block.cols, right)];
  return from < to ? [from, to] : null;
}

export interface InView {
  /** Index of the section that most of the frame shows. */
  block: number;
  rows: [number, number];
  /** How many sections are in view beside it. */
  others: number;
}

/** What a frame shows; null where it shows no seat. */
export function inView(house: House, frame: Frame): InView | null {
  let best: (InView & { area: number }) | null = null;
  let seen = 0;
  house.blocks.forEach((block, index) => {
    const columns = columnsOf(block, frame);
    const rows = columns === null ? null : rowsAt(house, block, (columns[0] + columns[1]) / 2, frame);
    if (columns === null || rows === null) return;
    seen += 1;
    const area = (columns[1] - columns[0]) * (rows[1] - rows[0] + 1);
    if (best === null || area > best.area) best = { block: index, rows, others: 0, area };
  });
  const most = best as InView | null;
  return most === null ? null : { block: most.block, rows: most.rows, others: seen - 1 };
}
