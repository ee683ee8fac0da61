import { expect, test } from '@playwright/test';
import { planned, standard } from '../../organiser/plan.ts';
import { layOut } from './house.ts';
import { FREE, HELD, LiveSeats, SOLD, UNKNOWN } from './live.ts';

type Change = Parameters<LiveSeats['apply']>[0];
type Status = Change['seats'][number]['status'];

const change = (version: number, snapshot: boolean, seats: [number, Status][]): Change => ({
  version,
  snapshot,
  availableCount: 0,
  seats: seats.map(([number, status]) => ({ id: String(number), number, status })),
});
const house = () => new LiveSeats(layOut(planned(standard)));
const all = (status: Status): [number, Status][] => Array.from({ length: 50 }, (_, i) => [i + 1, status]);

test('a snapshot says every seat, and changes go on from it', () => {
  const seats = house();
  expect(seats.statuses[0]).toBe(UNKNOWN);
  expect(seats.apply(change(7, true, all('AVAILABLE')))).toBe(true);
  expect(seats.free).toEqual([50]);
  expect(seats.apply(change(8, false, [[1, 'HELD'], [50, 'RESERVED']]))).toBe(true);
  expect([seats.statuses[0], seats.statuses[1], seats.statuses[49]]).toEqual([HELD, FREE, SOLD]);
  expect(seats.free).toEqual([48]);
});

test('a gap is noticed and changes nothing; a snapshot heals it', () => {
  const seats = house();
  seats.apply(change(7, true, all('AVAILABLE')));
  expect(seats.apply(change(9, false, [[1, 'HELD']]))).toBe(false);
  expect(seats.statuses[0]).toBe(FREE);
  expect(seats.apply(change(9, true, all('RESERVED')))).toBe(true);
  expect(seats.free).toEqual([0]);
});

test('a change before any snapshot, or one already known, is not applied', () => {
  const seats = house();
  expect(seats.apply(change(1, false, [[1, 'HELD']]))).toBe(false);
  seats.apply(change(5, true, all('AVAILABLE')));
  expect(seats.apply(change(5, false, [[1, 'HELD']]))).toBe(true);
  expect(seats.statuses[0]).toBe(FREE);
});

test('listeners hear of each change until they stop', () => {
  const seats = house();
  let heard = 0;
  const stop = seats.watch(() => heard++);
  seats.apply(change(1, true, all('AVAILABLE')));
  stop();
  seats.apply(change(2, false, [[1, 'HELD']]));
  expect(heard).toBe(1);
});
