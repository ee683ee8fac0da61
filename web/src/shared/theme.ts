// Light, dark, or as the device says: an attribute of the page that the style sheet's `color-scheme` follows.

import { keep, recall, store } from './store.ts';

export type Colours = 'auto' | 'light' | 'dark';

const KEY = 'frontrow.colours';
const kept = recall<string>(localStorage, KEY, 'auto');

export const colours = store<Colours>(kept === 'light' || kept === 'dark' ? kept : 'auto');
document.documentElement.dataset['colours'] = colours.get();

export function setColours(next: Colours): void {
  keep(localStorage, KEY, next);
  document.documentElement.dataset['colours'] = next;
  colours.set(next);
}
