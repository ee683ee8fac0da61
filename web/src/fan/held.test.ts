import { expect, test } from '@playwright/test';
import { type Memory, nothing, remember } from './held.ts';

const at = (seconds: number) => new Date(seconds * 1_000).toISOString();
const hold = (id: string, end: number) => ({ id, expiresAt: at(end) });
const memory = (held: Memory['held'], lapsed = 0): Memory => ({ held, lapsed });

test('what is live is remembered', () => {
  expect(remember(nothing, [hold('a', 10), hold('b', 20)], 0)).toEqual(memory([hold('a', 10), hold('b', 20)]));
});

test('what is missing after its end has lapsed, to the millisecond; before it, it was paid or given back', () => {
  const known = memory([hold('a', 10)]);
  expect(remember(known, [], 10_000)).toEqual(memory([], 1));
  expect(remember(known, [], 9_999)).toEqual(nothing);
});

test('what the server still lists after its end is not held any more', () => {
  expect(remember(memory([hold('a', 10), hold('b', 20)]), [hold('a', 10), hold('b', 20)], 15_000)).toEqual(memory([hold('b', 20)], 1));
  expect(remember(nothing, [hold('a', 10)], 15_000)).toEqual(nothing);
});

test('the count grows with each that lapses, and begins anew with the next that is held', () => {
  const one = remember(memory([hold('a', 10), hold('b', 20)]), [hold('b', 20)], 12_000);
  const two = remember(one, [], 25_000);
  expect(two).toEqual(memory([], 2));
  expect(remember(two, [], 99_000)).toEqual(memory([], 2));
  expect(remember(two, [hold('c', 40)], 30_000)).toEqual(memory([hold('c', 40)]));
});

test('an end that cannot be read is over, and breaks nothing', () => {
  expect(remember(memory([{ id: 'a', expiresAt: 'soon' }]), [], 0)).toEqual(memory([], 1));
});
