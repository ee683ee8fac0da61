// The best seats that are left, as the server's `holdBestSeats` would choose them (see `domain::seat_map::SeatMap::best`),
// but only proposed: nothing is held before the fan has said yes. Pure.

import type { House } from './house.ts';
import { FREE } from './live.ts';

/**
 * The best `count` seats side by side in one row: sections in their order, rows from the front, and in a row the ones
 * nearest to the middle. Seats in `spokenFor` count as taken. Null if there are none.
 */
export function bestSeats(
  { spots, blocks }: House,
  statuses: Uint8Array,
  count: number,
  section: string | null,
  spokenFor: ReadonlySet<number>,
): number[] | null {
  const open = (index: number) => statuses[index] === FREE && !spokenFor.has(index);
  let [row, best, distance] = ['', -1, Infinity];
  // How many open seats side by side end with the one looked at.
  let run = 0;
  for (const [index, spot] of spots.entries()) {
    const before = spots[index - 1];
    const here = `${spot.block}:${spot.row}`;
    if (here !== row) {
      if (best >= 0) break;
      row = here;
      run = 0;
    }
    if (section !== null && spot.section !== section) continue;
    if (!open(index)) run = 0;
    else run = run > 0 && before !== undefined && spot.col === before.col + 1 ? run + 1 : 1;
    if (run < count) continue;
    const first = spot.col - count + 1;
    const off = Math.abs(first + spot.col - ((blocks[spot.block]?.cols ?? 0) + 1));
    if (off < distance) [best, distance] = [index, off];
  }
  return best < 0 ? null : Array.from({ length: count }, (_, i) => best - count + 1 + i);
}
