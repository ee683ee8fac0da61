import { expect, test } from '@playwright/test';
import { makeIntent } from './intent.ts';

test('a key is said again until there is an answer, then never again', () => {
  const intent = makeIntent();
  const key = intent.key();
  expect(intent.key()).toBe(key);
  intent.settled();
  expect(intent.key()).not.toBe(key);
  expect(key.length).toBeLessThanOrEqual(64);
});
