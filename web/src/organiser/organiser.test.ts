import { expect, test } from '@playwright/test';
import { count, empty, MINUTES, series } from './admissions.ts';
import { layOut } from '../shared/seatmap/house.ts';
import { arena, fullHouse, planned, policyForm, policyInput, seatCount, sectionMistake, standard } from './plan.ts';
import { firstTimes, timesInOrder } from './times.ts';

const minute = 60_000;

test('admissions are the rises of the figure, minute by minute', () => {
  let tally = count(empty, 5, 0);
  tally = count(tally, 8, 10_000);
  tally = count(tally, 6, 20_000);
  tally = count(tally, 7, minute);
  expect(series(tally, minute).slice(-2)).toEqual([3, 1]);
  expect(series(tally, 31 * minute)).toEqual(Array<number>(MINUTES).fill(0).with(0, 0));
});

test('minutes that left the chart are forgotten', () => {
  const old = count(count(empty, 0, 0), 9, 1);
  const later = count(old, 9, MINUTES * minute);
  expect([...later.minutes.keys()]).toEqual([MINUTES]);
});

test('a plan is numbered as the server numbers it', () => {
  const sections = planned([{ name: 'A', rows: 2, cols: 2, price: 5 }, { name: 'B', rows: 1, cols: 1, price: 7 }]);
  expect(sections.map(({ firstNumber }) => firstNumber)).toEqual([1, 5]);
  expect(layOut(sections).spots.map(({ number, section, row, col }) => [number, section, row, col])).toEqual([
    [1, 'A', 1, 1], [2, 'A', 1, 2], [3, 'A', 2, 1], [4, 'A', 2, 2], [5, 'B', 1, 1],
  ]);
  expect(seatCount(arena)).toBe(5_000);
  expect(fullHouse(standard)).toBe(500_000);
});

test('a plan that cannot be is named', () => {
  const [section] = standard;
  if (section === undefined) throw new Error('the standard house has a section');
  expect(sectionMistake(standard)).toBeNull();
  expect(sectionMistake([])).toBe('sections');
  expect(sectionMistake([section, section])).toBe('sections');
  expect(sectionMistake([{ ...section, rows: 0 }])).toBe('sections');
  expect(sectionMistake([{ ...section, price: 1.5 }])).toBe('sections');
  expect(sectionMistake([{ ...section, rows: 1_001, cols: 100 }])).toBe('many');
});

test('an empty limit is taken off, other empty fields stay as they are', () => {
  const form = policyForm({ maxActive: 100, intervalSeconds: 60 });
  expect(policyInput({ ...form, maxActive: '' })).toEqual({ maxActive: null, admitPerInterval: null, intervalSeconds: 60 });
});

test('the sale ends before the concert does', () => {
  const times = firstTimes(new Date(2030, 0, 1, 12));
  expect(timesInOrder(times)).toBe(true);
  expect(timesInOrder({ ...times, endAt: times.startAt })).toBe(false);
  expect(timesInOrder({ ...times, reserveEndAt: times.reserveStartAt })).toBe(false);
  expect(timesInOrder({ ...times, startAt: '' })).toBe(false);
});
