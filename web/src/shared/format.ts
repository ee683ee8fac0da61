// How numbers, times and spans are written, in English and Korean. Pure.
//
// Every time that a page shows goes through here, so that one that cannot be read costs a word and not the page.

export type Language = 'en' | 'ko';

export interface Format {
  number(n: number): string;
  points(n: number): string;
  day(iso: string): string;
  /** A time of day with its zone: the reader's, which may not be where the concert is. */
  time(iso: string): string;
  /** From one time to another; the zone is named once, the days where they differ. */
  hours(from: string, to: string): string;
  moment(iso: string): string;
  /** From the first day to the last of these, saying what they share once. */
  days(all: readonly string[]): string;
  /** `4:59`, or `1:04:59` from an hour on. */
  clock(seconds: number): string;
  /** A span that is promised, rounded down: "30 seconds", "2 minutes". */
  span(seconds: number): string;
  /** A wait between two bounds: "about 3 to 6 minutes". The longer one may not be known. */
  wait(min: number, max: number | null): string;
}

const RFC_3339 = /^([+-]?)(\d{4,6})(-\d\d-\d\dT\d\d:\d\d:)(\d\d)((?:\.\d+)?(?:Z|[+-]\d\d:\d\d))$/i;

/**
 * The instant that a server's text names, in milliseconds since 1970; null if it names none. Takes the years beyond 9999
 * and the leap seconds that other programs write and JavaScript does not read.
 */
export function instant(text: unknown): number | null {
  const found = typeof text === 'string' ? RFC_3339.exec(text) : null;
  if (found === null) return null;
  const [, sign = '', year = '', middle = '', second = '', rest = ''] = found;
  const long = sign === '' ? year : sign + year.padStart(6, '0');
  const ms = Date.parse(`${long}${middle}${second === '60' ? '59' : second}${rest}`.toUpperCase());
  return Number.isNaN(ms) ? null : ms;
}

/** Of these times the earliest that can be read. */
export function earliest(all: readonly string[]): string | null {
  return all.reduce<string | null>((first, text) => {
    const at = instant(text);
    const before = first === null ? null : instant(first);
    return at !== null && (before === null || at < before) ? text : first;
  }, null);
}

/** Whole seconds from `now` (milliseconds) until that time, rounded up; 0 where it is over or no time at all. */
export function secondsUntil(text: string | null | undefined, now: number): number {
  const at = instant(text);
  return at === null ? 0 : Math.max(0, Math.ceil((at - now) / 1000));
}

const pad = (n: number) => String(n).padStart(2, '0');

function clock(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

function span(language: Language, seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return language === 'ko' ? `${seconds}초` : `${seconds} seconds`;
  return language === 'ko' ? `${minutes}분` : `${minutes} minute${minutes === 1 ? '' : 's'}`;
}

/** Minutes below an hour and a half, then hours; the shorter bound is rounded down and the longer one up. */
function wait(language: Language, min: number, max: number | null): string {
  const ko = language === 'ko';
  const least = Math.floor(min / 60);
  const hours = (max ?? min) >= 90 * 60;
  const unit = (n: number) => {
    if (ko) return hours ? `${n}시간` : `${n}분`;
    return hours ? `${n} ${n === 1 ? 'hour' : 'hours'}` : `${n} ${n === 1 ? 'minute' : 'minutes'}`;
  };
  const from = hours ? Math.floor(least / 60) : least;
  if (max === null) {
    // "At least nothing" says nothing.
    if (from === 0) return ko ? '아직 알 수 없음' : 'not known yet';
    return ko ? `${unit(from)} 이상` : `at least ${unit(from)}`;
  }
  const to = Math.max(1, Math.ceil(max / (hours ? 3600 : 60)));
  if (from === 0) return ko ? `${unit(to)} 이내` : to === 1 && !hours ? 'less than a minute' : `at most ${unit(to)}`;
  if (from === to) return ko ? `약 ${unit(to)}` : `about ${unit(to)}`;
  return ko ? `약 ${from}~${unit(to)}` : `about ${from} to ${unit(to)}`;
}

const unknown: Record<Language, string> = { en: 'Date unknown', ko: '날짜 미상' };

/** `timeZone`: the browser's, where it is left out. */
export function makeFormat(language: Language, timeZone?: string): Format {
  const locale = language === 'ko' ? 'ko-KR' : 'en-GB';
  const zoned = timeZone === undefined ? {} : { timeZone };
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const day = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'long', year: 'numeric', ...zoned });
  const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short', ...zoned });
  const written = (iso: string, write: (at: number) => string) => {
    const at = instant(iso);
    return at === null ? unknown[language] : write(at);
  };
  return {
    number: (n) => whole.format(n),
    points: (n) => (language === 'ko' ? `${whole.format(n)}P` : `${whole.format(n)} pts`),
    day: (iso) => written(iso, (at) => day.format(at)),
    time: (iso) => written(iso, (at) => time.format(at)),
    hours: (from, to) => written(from, (start) => {
      const end = instant(to);
      return end === null ? time.format(start) : time.formatRange(start, end);
    }),
    moment: (iso) => written(iso, (at) => `${day.format(at)}, ${time.format(at)}`),
    days: (all) => {
      const known = all.map(instant).filter((at) => at !== null);
      return known.length === 0 ? unknown[language] : day.formatRange(Math.min(...known), Math.max(...known));
    },
    clock,
    span: (seconds) => span(language, seconds),
    wait: (min, max) => wait(language, min, max),
  };
}
