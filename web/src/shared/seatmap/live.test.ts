import { expect, test } from '@playwright/test';
import { planned, standard } from '../../organiser/plan.ts';
import { FREE, HELD, LiveSeats, type News, SOLD } from './live.ts';

type Status = News['seats'][number]['status'];

const change = (since: number, version: number, seats: [number, Status][]): News => ({
  since, version, snapshot: false, states: null, seats: seats.map(([number, status]) => ({ number, status })),
});
const snapshot = (version: number, states: string): News => ({ since: 0, version, snapshot: true, states, seats: [] });
const free = 'A'.repeat(50);
const house = (version = 7, states = free) =>
  LiveSeats.of({ layout: planned(standard), seatStates: states, seatsVersion: version });

test('a letter a seat says what each is, and changes go on from there', () => {
  const seats = house(7, `HR${'A'.repeat(47)}R`);
  expect([...seats.statuses.slice(0, 3), seats.statuses[49]]).toEqual([HELD, SOLD, FREE, SOLD]);
  expect(seats.free).toEqual([47]);
  expect(seats.apply(change(7, 8, [[1, 'AVAILABLE'], [50, 'HELD']]))).toBe(true);
  expect([seats.statuses[0], seats.statuses[1], seats.statuses[49]]).toEqual([FREE, SOLD, HELD]);
  expect([seats.free, seats.version]).toEqual([[48], 8]);
});

test('a gap is noticed and changes nothing; a snapshot heals it', () => {
  const seats = house();
  expect(seats.apply(change(8, 9, [[1, 'HELD']]))).toBe(false);
  expect([seats.statuses[0], seats.version]).toEqual([FREE, 7]);
  expect(seats.apply(snapshot(9, 'R'.repeat(50)))).toBe(true);
  expect([seats.free, seats.version]).toEqual([[0], 9]);
});

test('several versions at once are no gap, and what is known already is not told again', () => {
  const seats = house();
  expect(seats.apply(change(7, 12, [[1, 'HELD']]))).toBe(true);
  expect(seats.version).toBe(12);
  // Of a subscription that was begun anew from an older version.
  expect(seats.apply(change(7, 12, [[1, 'AVAILABLE']]))).toBe(true);
  expect(seats.apply(change(9, 11, [[1, 'AVAILABLE']]))).toBe(true);
  expect(seats.statuses[0]).toBe(HELD);
  expect(seats.apply(change(9, 13, [[1, 'RESERVED']]))).toBe(true);
  expect(seats.statuses[0]).toBe(SOLD);
});

test('a snapshot counts also where its version is below: the server began anew', () => {
  const seats = house();
  expect(seats.apply(snapshot(2, `H${'A'.repeat(49)}`))).toBe(true);
  expect([seats.statuses[0], seats.version]).toEqual([HELD, 2]);
});

test('what is not understood is not for sale, and seats that are not there are overlooked', () => {
  const seats = house(7, 'A?');
  expect([seats.statuses[0], seats.statuses[1], seats.statuses[49]]).toEqual([FREE, SOLD, SOLD]);
  expect(seats.apply(change(7, 8, [[51, 'AVAILABLE'], [0, 'AVAILABLE']]))).toBe(true);
  expect(seats.free).toEqual([1]);
});

test('listeners hear of each change until they stop', () => {
  const seats = house();
  let heard = 0;
  const stop = seats.watch(() => heard++);
  seats.apply(change(7, 8, [[1, 'HELD']]));
  stop();
  seats.apply(change(8, 9, [[2, 'HELD']]));
  expect(heard).toBe(1);
});
