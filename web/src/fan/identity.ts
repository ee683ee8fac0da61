// Who this browser is, and which places it has. Everything lives in localStorage, so that a reload or a crash of the
// browser comes back to the same place.
//
// The demo runs with open identities: a user id made here is believed. A shop with accounts puts its identity token
// into `issueToken`'s Authorization header instead, and changes nothing else.

import { keep, recall, recallText, store } from '../shared/store.ts';

/** A place in one line. `from`: the worst position seen, where the way to the front began. */
export interface Place {
  concertId: string;
  seriesId: string;
  tokenId: string;
  jwt: string;
  from: number | null;
}

const USER = 'frontrow.user';
const NAME = 'frontrow.name';
const PLACES = 'frontrow.places';

export function userId(): string {
  const known = recallText(localStorage, USER);
  if (known !== '') return known;
  const made = crypto.randomUUID();
  keep(localStorage, USER, made);
  return made;
}

export const userName = (): string => recallText(localStorage, NAME);
export const setUserName = (name: string): void => keep(localStorage, NAME, name);

/** Storage is the reader's to edit and other versions' to fill: what is no place is left out. */
function storedPlaces(): Place[] {
  const stored = recall<unknown>(localStorage, PLACES, []);
  const sound = (place: Partial<Place> | null) =>
    [place?.concertId, place?.seriesId, place?.tokenId, place?.jwt].every((text) => typeof text === 'string');
  return Array.isArray(stored) ? stored.filter(sound) : [];
}

export const places = store<Place[]>(storedPlaces());

// Another window of the same browser may have joined or left.
window.addEventListener('storage', (event) => {
  if (event.key === PLACES) places.set(storedPlaces());
});

function save(next: Place[]): void {
  keep(localStorage, PLACES, next);
  places.set(next);
}

/** Keeps a place as the newest; one place a series. */
export function keepPlace(place: Place): void {
  save([place, ...places.get().filter((other) => other.seriesId !== place.seriesId)]);
}

export function noteStart(tokenId: string, position: number): void {
  const better = (place: Place) => place.tokenId === tokenId && (place.from ?? 0) < position;
  if (places.get().some(better)) {
    save(places.get().map((place) => (better(place) ? { ...place, from: position } : place)));
  }
}

/** Any token of this user's will do for what belongs to the user and not to a place; the newest lasts longest. */
export const anyToken = (all: Place[]): string | null => all[0]?.jwt ?? null;
