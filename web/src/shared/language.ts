// English or Korean: which one, and how it writes numbers, dates and spans of time.

import { keep, recall, store, useStore } from './store.ts';

export type Language = 'en' | 'ko';

const KEY = 'frontrow.language';

function first(): Language {
  const kept = recall<string>(localStorage, KEY, '');
  if (kept === 'en' || kept === 'ko') return kept;
  return navigator.languages.some((tag) => tag.startsWith('ko')) && !navigator.language.startsWith('en') ? 'ko' : 'en';
}

export const language = store<Language>(first());
document.documentElement.lang = language.get();

export function choose(next: Language): void {
  keep(localStorage, KEY, next);
  document.documentElement.lang = next;
  language.set(next);
}

export const useLanguage = (): Language => useStore(language);

export interface Format {
  number(n: number): string;
  points(n: number): string;
  day(iso: string): string;
  time(iso: string): string;
  moment(iso: string): string;
  /** From day to day, saying what they share once. */
  days(from: string, to: string): string;
  /** `4:59`, or `1:04:59` from an hour on. */
  clock(seconds: number): string;
  /** A rough span: "about 3 minutes". */
  about(seconds: number): string;
}

const pad = (n: number) => String(n).padStart(2, '0');

function clock(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

function about(language: Language, seconds: number): string {
  const ko = language === 'ko';
  if (seconds < 60) return ko ? '1분 이내' : 'less than a minute';
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return ko ? `약 ${minutes}분` : `about ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
  const hours = Math.round(minutes / 60);
  return ko ? `약 ${hours}시간` : `about ${hours} hours`;
}

function makeFormat(language: Language): Format {
  const locale = language === 'ko' ? 'ko-KR' : 'en-GB';
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const day = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' });
  const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return {
    number: (n) => whole.format(n),
    points: (n) => (language === 'ko' ? `${whole.format(n)}P` : `${whole.format(n)} pts`),
    day: (iso) => day.format(new Date(iso)),
    time: (iso) => time.format(new Date(iso)),
    moment: (iso) => `${day.format(new Date(iso))}, ${time.format(new Date(iso))}`,
    days: (from, to) => day.formatRange(new Date(from), new Date(to)),
    clock,
    about: (seconds) => about(language, seconds),
  };
}

const formats: Record<Language, Format> = { en: makeFormat('en'), ko: makeFormat('ko') };

export const useFormat = (): Format => formats[useLanguage()];
