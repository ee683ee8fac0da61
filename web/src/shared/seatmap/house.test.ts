import { expect, test } from '@playwright/test';
import { arena, planned, standard } from '../../organiser/plan.ts';
import { layOut, step } from './house.ts';

test('the standard house is five rows of ten before the stage', () => {
  const house = layOut(planned(standard));
  expect(house.spots).toHaveLength(50);
  const [first, last] = [house.spots[0], house.spots[9]];
  expect(first?.y).toBeGreaterThan(house.stage);
  expect((last?.x ?? 0) - (first?.x ?? 0)).toBeCloseTo(9);
  expect(house.width).toBeGreaterThanOrEqual(10);
});

test('seats stand in the order of their numbers, row by row', () => {
  const house = layOut(planned(arena));
  expect(house.spots.map((spot) => spot.number)).toEqual(house.spots.map((_, index) => index + 1));
  expect(house.spots[600]).toMatchObject({ number: 601, section: 'Floor B', row: 1, col: 1, price: 150_000 });
  expect(house.spots[630 + 29]).toMatchObject({ number: 660, section: 'Floor B', row: 2, col: 30 });
});

test('no two seats of an arena are drawn closer than a seat apart, and all are inside the house', () => {
  const house = layOut(planned(arena));
  const outside = house.spots.filter(({ x, y }) => x <= 0 || x >= house.width || y <= 0 || y >= house.height);
  expect(outside).toEqual([]);
  const byX = [...house.spots].sort((a, b) => a.x - b.x);
  const close = byX.flatMap((one, index) => {
    const after = byX.slice(index + 1, index + 400).filter((other) => other.x - one.x < 1);
    return after.filter((other) => Math.hypot(other.x - one.x, other.y - one.y) < 0.99).map((other) => [one.number, other.number]);
  });
  expect(close).toEqual([]);
});

test('sections whose names begin alike share a tier', () => {
  const tops = new Map(layOut(planned(arena)).blocks.map((block) => [block.name, block.y]));
  expect(tops.get('Lower West')).toBe(tops.get('Lower East'));
  expect(tops.get('Floor A')).toBe(tops.get('Floor B'));
  expect(tops.get('Upper West')).toBeGreaterThan(tops.get('Lower Centre') ?? Infinity);
});

test('the colour of a seat follows from its price, dearest first', () => {
  const house = layOut(planned(arena));
  expect(house.prices).toEqual([150_000, 120_000, 110_000, 70_000, 60_000]);
  expect(house.spots[0]?.tier).toBe(0);
  expect(house.spots.at(-1)?.tier).toBe(4);
});

test('arrow keys walk the rows, and stay where there is no seat', () => {
  const house = layOut(planned(standard));
  expect(step(house, 0, 'right')).toBe(1);
  expect(step(house, 0, 'down')).toBe(10);
  expect(step(house, 13, 'up')).toBe(3);
  expect(step(house, 0, 'left')).toBe(0);
  expect(step(house, 44, 'down')).toBe(44);
  expect(step(house, 14, 'rowStart')).toBe(10);
  expect(step(house, 14, 'rowEnd')).toBe(19);
});

test('arrow keys cross an aisle, and pages change the section', () => {
  const house = layOut(planned(arena));
  const end = step(house, 0, 'rowEnd');
  expect(house.spots[end]?.col).toBe(30);
  expect(house.spots[step(house, end, 'right')]).toMatchObject({ section: 'Floor B', row: 1, col: 1 });
  const lower = step(house, step(house, 0, 'nextSection'), 'nextSection');
  expect(house.spots[lower]).toMatchObject({ section: 'Lower West', row: 1, col: 1 });
  expect(house.spots[step(house, lower, 'previousSection')]).toMatchObject({ section: 'Floor B' });
});
