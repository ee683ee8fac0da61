// What is written on a seat map: the stage, the names of the sections, and the rows where they are large enough to read.

import type { House } from './house.ts';
import type { Palette } from './palette.ts';
import { bentAt, columnsOf, type Frame, rowsAt } from './where.ts';

export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Scene {
  house: House;
  view: View;
  palette: Palette;
  /** What of the house the canvas shows. */
  frame: Frame;
}

/** From this size of a seat on its row can be read. */
const ROWS_FROM_PX = 11;
/** How far a name or a row number that would be outside stays from the edge. */
const EDGE_PX = 4;

export function drawStage(context: CanvasRenderingContext2D, { house, view, palette }: Scene, name: string): void {
  const { scale, x, y } = view;
  const { width, bend, stage } = house;
  const half = width * 0.3;
  const dip = bend * 0.4;
  context.fillStyle = palette.stage;
  context.beginPath();
  context.moveTo((width / 2 - half) * scale + x, y);
  context.lineTo((width / 2 + half) * scale + x, y);
  context.lineTo((width / 2 + half * 0.92) * scale + x, stage * scale + y);
  context.quadraticCurveTo(
    (width / 2) * scale + x, (stage + 2 * dip) * scale + y,
    (width / 2 - half * 0.92) * scale + x, stage * scale + y,
  );
  context.closePath();
  context.fill();
  context.font = `600 ${Math.max(10, Math.min(15, stage * scale * 0.5))}px ${palette.font}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = palette.muted;
  context.fillText(name, (width / 2) * scale + x, (stage / 2 + dip * 0.5) * scale + y);
}

/** A rim in the card's colour keeps text legible where it touches seats. */
function rimmed(context: CanvasRenderingContext2D, palette: Palette): void {
  context.fillStyle = palette.muted;
  context.strokeStyle = palette.card;
  context.lineWidth = 4;
  context.lineJoin = 'round';
}

/** The name of each section above its first row, or at the top of the map while that is out of view. */
export function drawNames(context: CanvasRenderingContext2D, { house, view, palette, frame }: Scene): void {
  if (house.blocks.length < 2) return;
  const { scale, x, y } = view;
  const size = Math.max(10, Math.min(15, scale * 1.5));
  context.font = `600 ${size}px ${palette.font}`;
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  rimmed(context, palette);
  for (const block of house.blocks) {
    const seen = columnsOf(block, frame);
    if (seen === null) continue;
    const half = context.measureText(block.name).width / 2 / scale;
    if (half > (seen[1] - seen[0]) / 2 + 1) continue;
    const middle = (seen[0] + seen[1]) / 2;
    // Above the highest seat below any letter: towards the sides the rows bend up.
    const ends = [Math.max(0, middle - half), Math.min(house.width, middle + half)];
    const top = block.y - Math.max(...ends.map((end) => bentAt(house, end)));
    const ideal = (top - 0.35) * scale + y;
    const below = (block.y + block.rows - bentAt(house, middle)) * scale + y;
    const pinned = Math.max(ideal, EDGE_PX + size);
    if (pinned > ideal && pinned > below) continue;
    const at = [middle * scale + x, pinned] as const;
    context.strokeText(block.name, ...at);
    context.fillText(block.name, ...at);
  }
}

/** The numbers of the rows, left of each section, or at the left edge of the map while that is out of view. */
export function drawRows(context: CanvasRenderingContext2D, { house, view, palette, frame }: Scene): void {
  const { scale, x, y } = view;
  if (scale < ROWS_FROM_PX) return;
  const size = Math.max(10, Math.min(13, scale * 0.6));
  context.font = `600 ${size}px ${palette.font}`;
  context.textBaseline = 'middle';
  rimmed(context, palette);
  for (const block of house.blocks) {
    const seen = columnsOf(block, frame);
    const rows = seen === null ? null : rowsAt(house, block, seen[0], frame);
    if (seen === null || rows === null) continue;
    const beside = block.x * scale + x - 1;
    const widest = context.measureText(String(rows[1])).width;
    const pinned = beside - widest < EDGE_PX;
    context.textAlign = pinned ? 'left' : 'right';
    const up = bentAt(house, pinned ? seen[0] : block.x);
    if (pinned) {
      // Over the seats a number would look like a seat's own.
      context.save();
      context.fillStyle = palette.card;
      context.globalAlpha = 0.9;
      context.fillRect(0, (block.y + rows[0] - 1 - up) * scale + y, widest + 2 * EDGE_PX, (rows[1] - rows[0] + 1) * scale);
      context.restore();
    }
    for (let row = rows[0]; row <= rows[1]; row++) {
      const at = [pinned ? EDGE_PX : beside, (block.y + row - 0.5 - up) * scale + y] as const;
      context.strokeText(String(row), ...at);
      context.fillText(String(row), ...at);
    }
  }
}
