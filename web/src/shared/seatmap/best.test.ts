import { expect, test } from '@playwright/test';
import { arena, planned, type Section, seatCount, standard } from '../../organiser/plan.ts';
import { bestSeats } from './best.ts';
import { layOut } from './house.ts';
import { FREE, HELD, SOLD } from './live.ts';

function best(sections: Section[], count: number, taken: number[] = [], section: string | null = null, spokenFor: number[] = []) {
  const house = layOut(planned(sections));
  const statuses = new Uint8Array(house.spots.length).fill(FREE);
  for (const number of taken) statuses[number - 1] = number % 2 === 0 ? SOLD : HELD;
  const found = bestSeats(house, statuses, count, section, new Set(spokenFor.map((number) => number - 1)));
  return found?.map((index) => house.spots[index]?.number) ?? null;
}

test('the best seats are in the front, in the middle and side by side, as the server finds them', () => {
  expect(best(standard, 2)).toEqual([5, 6]);
  expect(best(standard, 2, [5, 6])).toEqual([3, 4]);
  expect(best(standard, 4, [5, 6])).toEqual([1, 2, 3, 4]);
  expect(best(standard, 5, [5, 6])).toEqual([13, 14, 15, 16, 17]);
  expect(best(standard, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(best(standard, 11)).toBeNull();
  expect(best(standard, 1)).toEqual([5]);
});

test('the end of a row and the start of the next are not side by side', () => {
  const all = Array.from({ length: 50 }, (_, i) => i + 1);
  const free = [10, 11];
  expect(best(standard, 2, all.filter((number) => !free.includes(number)))).toBeNull();
});

test('seats spoken for are not proposed', () => {
  const spokenFor = Array.from({ length: 49 }, (_, i) => i + 1);
  expect(best(standard, 1, [], null, spokenFor)).toEqual([50]);
  expect(best(standard, 2, [], null, spokenFor)).toBeNull();
});

test('in a section, or anywhere in the order of the sections', () => {
  expect(best(arena, 2, [], 'Floor B')).toEqual([615, 616]);
  expect(best(arena, 2, [], 'Balcony')).toBeNull();
  expect(best(arena, 30)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  expect(best(arena, 40)?.[0]).toBe(600 + 600 + 500 + 1);
});

// The rule once more, word by word: every window of every row.
function naive(sections: Section[], free: boolean[], count: number): number[] | null {
  const seats = layOut(planned(sections)).spots;
  for (const { name, rows, cols } of sections) {
    for (let row = 1; row <= rows; row++) {
      const inRow = seats.filter((seat) => seat.section === name && seat.row === row);
      const windows = inRow.flatMap((_, at) => {
        const window = inRow.slice(at, at + count);
        return window.length === count && window.every((seat) => free[seat.number - 1]) ? [window] : [];
      });
      const off = (window: typeof inRow) => Math.abs((window[0]?.col ?? 0) + (window.at(-1)?.col ?? 0) - (cols + 1));
      const [first] = windows.sort((a, b) => off(a) - off(b));
      if (first !== undefined) return first.map((seat) => seat.number);
    }
  }
  return null;
}

test('random houses, against the rule taken word by word', () => {
  let seed = 20261126;
  const dice = (sides: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % sides;
  };
  for (let round = 0; round < 300; round++) {
    const sections = Array.from({ length: 1 + dice(3) }, (_, i) => ({ name: `S${i}`, rows: 1 + dice(4), cols: 1 + dice(9), price: 1 + dice(5) }));
    const free = Array.from({ length: seatCount(sections) }, () => dice(10) < 6);
    const count = 1 + dice(4);
    const taken = free.flatMap((is, index) => (is ? [] : [index + 1]));
    expect(best(sections, count, taken), JSON.stringify({ sections, free, count })).toEqual(naive(sections, free, count));
  }
});
