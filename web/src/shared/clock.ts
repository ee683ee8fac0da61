// The server's time as well as this page can know it. Countdowns run by it, since a fan's clock may be wrong.

import { useEffect, useState } from 'preact/hooks';
import { secondsUntil } from './format.ts';

let offset = 0;

/** Takes in the `Date` header of an answer. It counts whole seconds, so small differences are not believed. */
export function learnServerTime(header: string | null, receivedAt: number): void {
  if (header === null) return;
  const difference = Date.parse(header) + 500 - receivedAt;
  if (Number.isNaN(difference)) return;
  offset = Math.abs(difference) > 1500 ? difference : 0;
}

export function serverNow(): number {
  return Date.now() + offset;
}

/** Whole seconds left until `until`, rounded up, never negative. Renders again at each change. */
export function useSecondsLeft(until: string | null | undefined): number {
  const left = () => secondsUntil(until, serverNow());
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    setSeconds(left());
    const timer = setInterval(() => setSeconds(left()), 250);
    return () => clearInterval(timer);
  }, [until]);
  return seconds;
}
