// English or Korean: which one the reader wants, and how it writes numbers and times.

import { type Format, type Language, makeFormat } from './format.ts';
import { keep, recall, store, useStore } from './store.ts';

export type { Format, Language } from './format.ts';

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

const formats: Record<Language, Format> = { en: makeFormat('en'), ko: makeFormat('ko') };

export const useFormat = (): Format => formats[useLanguage()];
