import { expect, test } from '@playwright/test';
import { later, oddsOf, progressOf, spokenAt } from './place.ts';

test('the odds weigh the people ahead against the seats', () => {
  expect(oddsOf(10, 41, 4)).toBe('sure');
  expect(oddsOf(10, 40, 4)).toBe('likely');
  expect(oddsOf(10, 10, 4)).toBe('slim');
  expect(oddsOf(0, 1, 4)).toBe('sure');
  expect(oddsOf(0, 0, 4)).toBe('none');
});

test('the progress runs from the place first had to the door', () => {
  expect(progressOf(100, 100)).toBe(0);
  expect(progressOf(100, 25)).toBe(0.75);
  expect(progressOf(null, 40)).toBe(0);
  expect(progressOf(10, 40)).toBe(0);
});

test('near the front every step is said, far back only every tenth', () => {
  expect(spokenAt(500, 499)).toBe(false);
  expect(spokenAt(500, 450)).toBe(true);
  expect(spokenAt(11, 10)).toBe(true);
  expect(spokenAt(5, 4)).toBe(true);
  expect(spokenAt(4, 4)).toBe(false);
});

test('of two accounts of a place the one that is further on is the later one', () => {
  const waiting = (position: number | null) => ({ status: 'WAITING' as const, position });
  const admitted = { status: 'ADMITTED' as const, position: 0 };
  const over = { status: 'COMPLETED' as const, position: 0 };
  for (const [before, after] of [[waiting(null), waiting(9)], [waiting(9), waiting(3)], [waiting(1), admitted], [waiting(null), admitted], [admitted, over]] as const) {
    expect(later(before, after)).toBe(after);
    expect(later(after, before)).toBe(after);
  }
  const [one, other] = [waiting(3), waiting(3)];
  expect(later(one, other)).toBe(one);
  expect(later(null, one)).toBe(one);
  expect(later(one, undefined)).toBe(one);
  expect(later(null, undefined)).toBeNull();
});
