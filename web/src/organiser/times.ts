// The four times of a date, as form fields hold them. Pure.

import { localText } from './plan.ts';

export const timeFields = ['startAt', 'endAt', 'reserveStartAt', 'reserveEndAt'] as const;

/** Each as `<input type="datetime-local">` writes it, in the browser's zone. */
export type Times = Record<(typeof timeFields)[number], string>;

const HOUR = 3_600_000;

/** A concert in four weeks at seven in the evening, on sale from now until it begins. */
export function firstTimes(now: Date): Times {
  const start = new Date(now.getTime() + 28 * 24 * HOUR);
  start.setHours(19, 0, 0, 0);
  return {
    startAt: localText(start),
    endAt: localText(new Date(start.getTime() + 2.5 * HOUR)),
    reserveStartAt: localText(now),
    reserveEndAt: localText(start),
  };
}

/** Each in UTC, as the server takes it. */
export function isoTimes(times: Times): Times {
  const iso = (field: keyof Times) => new Date(times[field]).toISOString();
  return {
    startAt: iso('startAt'), endAt: iso('endAt'), reserveStartAt: iso('reserveStartAt'), reserveEndAt: iso('reserveEndAt'),
  };
}

export function timesInOrder(times: Times): boolean {
  const at = (field: keyof Times) => new Date(times[field]).getTime();
  // A field that is not filled in is NaN, and no comparison with it holds.
  return at('startAt') < at('endAt') && at('reserveStartAt') < at('reserveEndAt') && at('reserveEndAt') <= at('endAt');
}
