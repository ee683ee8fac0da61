import { expect, test } from '@playwright/test';
import { oddsOf, progressOf, spokenAt } from './place.ts';

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
