import { expect, test } from '@playwright/test';
import { earliest, instant, makeFormat, secondsUntil } from './format.ts';

const en = makeFormat('en', 'Asia/Seoul');
const ko = makeFormat('ko', 'Asia/Seoul');
const concert = '2026-12-26T10:00:00Z';

// What servers, proxies and other versions have been seen to send in place of a time.
const unreadable: unknown[] = [
  '', ' ', 'soon', 'null', 'Invalid Date', '2026-13-01T00:00:00Z', '2026-12-26T25:00:00Z', '2026-12-26', '20261226T100000Z',
  '-000000-01-01T00:00:00Z', '+999999-01-01T00:00:00Z', '1', '0', null, undefined, 0, NaN, Infinity, {}, [], true, new Date(NaN),
];

test('a time that cannot be read is a word, wherever it is shown', () => {
  for (const bad of unreadable as string[]) {
    expect(instant(bad), String(bad)).toBeNull();
    for (const written of [en.day(bad), en.time(bad), en.moment(bad), en.hours(bad, bad), en.hours(bad, concert), en.days([bad])]) {
      expect(written, String(bad)).toBe('Date unknown');
    }
    expect(ko.moment(bad)).toBe('날짜 미상');
    expect(en.hours(concert, bad)).toBe('19:00 GMT+9');
    expect(en.days([bad, concert, bad])).toBe('Sat, 26 December 2026');
    expect(secondsUntil(bad, 0)).toBe(0);
  }
  expect(en.days([])).toBe('Date unknown');
});

test('years beyond 9999 and leap seconds are read, which JavaScript alone does not', () => {
  expect(en.day('+12345-01-01T00:00:00Z')).toBe('Mon, 1 January 12345');
  expect(instant('2026-12-26T12:00:60Z')).toBe(Date.UTC(2026, 11, 26, 12, 0, 59));
  expect(instant('2026-12-26T12:00:00.123456Z')).toBe(Date.UTC(2026, 11, 26, 12, 0, 0, 123));
  expect(instant('2026-12-26t12:00:00+09:00')).toBe(Date.UTC(2026, 11, 26, 3));
});

test('every time of day names its zone, once', () => {
  expect(en.time(concert)).toBe('19:00 GMT+9');
  expect(en.moment(concert)).toBe('Sat, 26 December 2026, 19:00 GMT+9');
  expect(ko.moment(concert)).toContain('19:00 GMT+9');
  expect(en.hours(concert, '2026-12-26T12:30:00Z')).toBe('19:00–21:30 GMT+9');
  expect(makeFormat('en', 'Europe/London').time('2026-07-01T10:00:00Z')).toBe('11:00 BST');
  expect(makeFormat('en', 'Europe/London').time(concert)).toBe('10:00 GMT');
});

test('a concert over midnight says both days', () => {
  expect(en.hours('2026-12-26T14:00:00Z', '2026-12-26T16:00:00Z')).toContain('27/12/2026');
});

test('times are compared as instants and not as text', () => {
  expect(earliest(['2026-12-26T12:00:00+09:00', '2026-12-26T04:00:00Z', 'x'])).toBe('2026-12-26T12:00:00+09:00');
  expect(earliest(['+12345-01-01T00:00:00Z', concert])).toBe(concert);
  expect(earliest(['x'])).toBeNull();
  expect(en.days(['+12345-01-01T00:00:00Z', concert])).toContain('12345');
});

test('a promised span is not rounded up', () => {
  expect([15, 60, 119, 3_600].map(en.span)).toEqual(['15 seconds', '1 minute', '1 minute', '60 minutes']);
  expect([15, 119].map(ko.span)).toEqual(['15초', '1분']);
});

test('seconds left are whole and never negative', () => {
  expect(secondsUntil(concert, Date.parse(concert) - 1_001)).toBe(2);
  expect(secondsUntil(concert, Date.parse(concert) + 1)).toBe(0);
  expect(secondsUntil(null, 0)).toBe(0);
});

test('a wait is told by its bounds, and never shorter or more surely than they are', () => {
  const told: [number, number | null, string, string][] = [
    [180, 360, 'about 3 to 6 minutes', '약 3~6분'],
    [190, 301, 'about 3 to 6 minutes', '약 3~6분'],
    [0, 59, 'less than a minute', '1분 이내'],
    [0, 60, 'less than a minute', '1분 이내'],
    [0, 61, 'at most 2 minutes', '2분 이내'],
    [59, 178, 'at most 3 minutes', '3분 이내'],
    [60, 60, 'about 1 minute', '약 1분'],
    [61, 120, 'about 1 to 2 minutes', '약 1~2분'],
    [8_400, 9_000, 'about 2 to 3 hours', '약 2~3시간'],
    [3_000, 5_400, 'at most 2 hours', '2시간 이내'],
    [3_000, 5_399, 'about 50 to 90 minutes', '약 50~90분'],
    [7_200, 7_200, 'about 2 hours', '약 2시간'],
    [600, null, 'at least 10 minutes', '10분 이상'],
    [60, null, 'at least 1 minute', '1분 이상'],
    [7_260, null, 'at least 2 hours', '2시간 이상'],
    [59, null, 'not known yet', '아직 알 수 없음'],
  ];
  for (const [min, max, english, korean] of told) expect([en.wait(min, max), ko.wait(min, max)]).toEqual([english, korean]);
});

test('less than a minute is said only where the longest wait is no longer', () => {
  for (let min = 0; min < 600; min += 7) {
    for (let max = min; max <= 2 * min + 60; max += 11) {
      expect(en.wait(min, max) === 'less than a minute').toBe(max <= 60 && min < 60);
    }
  }
});
