// What a fan held last: so that seats whose five minutes are over do not just vanish: wherever
// the fan is by then, in another window or back after a reload, the page says what became of them. Pure.

import { earliest, instant } from '../shared/format.ts';

interface Hold {
  id: string;
  expiresAt: string;
}

export interface Memory {
  held: Hold[];
  /** How many seats went back unpaid since the last that was held. */
  lapsed: number;
}

export const nothing: Memory = { held: [], lapsed: 0 };

/** Whether a hold holds nothing any more at `now`, in milliseconds. */
export const isOver = (hold: Hold, now: number) => (instant(hold.expiresAt) ?? now) <= now;

/**
 * The memory after the server has said which holds are live, at `now` in milliseconds. One that is missing and whose end
 * has come has lapsed; one that is missing before its end was paid or given back.
 */
export function remember({ held, lapsed }: Memory, live: readonly Hold[], now: number): Memory {
  const still = live.filter((hold) => !isOver(hold, now)).map(({ id, expiresAt }) => ({ id, expiresAt }));
  const known = new Set(held.map((hold) => hold.id));
  if (still.some((hold) => !known.has(hold.id))) return { held: still, lapsed: 0 };
  const kept = new Set(still.map((hold) => hold.id));
  const gone = held.filter((hold) => !kept.has(hold.id) && isOver(hold, now));
  return { held: still, lapsed: lapsed + gone.length };
}

/** When the first of these holds ends. */
export const firstEnd = (holds: readonly Hold[]) => earliest(holds.map((hold) => hold.expiresAt));
