// Admissions per minute, counted from the stream of figures. Pure.
//
// The stream says how many are admitted now, not how many ever were: a rise is at least that many people let in. What
// comes and goes between two figures is not seen, so the count is a lower bound.

export const MINUTES = 30;

export interface Tally {
  /** The last figure of `admitted`. */
  last: number | null;
  /** People let in, by minute since the epoch. */
  minutes: ReadonlyMap<number, number>;
}

export const empty: Tally = { last: null, minutes: new Map() };

const minuteOf = (now: number) => Math.floor(now / 60_000);

/** The tally with one more figure, heard at `now` (milliseconds). */
export function count({ last, minutes }: Tally, admitted: number, now: number): Tally {
  const rise = last === null ? 0 : Math.max(0, admitted - last);
  const minute = minuteOf(now);
  const kept = new Map([...minutes].filter(([at]) => at > minute - MINUTES));
  kept.set(minute, (kept.get(minute) ?? 0) + rise);
  return { last: admitted, minutes: kept };
}

/** The last `MINUTES` minutes, oldest first. */
export function series({ minutes }: Tally, now: number): number[] {
  const minute = minuteOf(now);
  return Array.from({ length: MINUTES }, (_, i) => minutes.get(minute - MINUTES + 1 + i) ?? 0);
}
