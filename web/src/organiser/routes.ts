// The pages of the organiser, as the hash spells them. Pure.

import { isId, parts } from '../shared/hash.ts';

export type Route =
  | { page: 'concerts' }
  | { page: 'concert'; id: string }
  | { page: 'new'; concertId: string }
  | { page: 'board'; concertId: string; seriesId: string };

/** What the hash names; the concerts if that is nothing. */
export function parse(hash: string): Route {
  const [page, id, third] = parts(hash);
  if (page !== 'concert' || !isId(id)) return { page: 'concerts' };
  if (third === undefined) return { page, id };
  if (third === 'new') return { page: 'new', concertId: id };
  return isId(third) ? { page: 'board', concertId: id, seriesId: third } : { page: 'concerts' };
}

export const href = {
  concerts: '#/',
  concert: (id: string) => `#/concert/${id}`,
  newDate: (id: string) => `#/concert/${id}/new`,
  board: (id: string, seriesId: string) => `#/concert/${id}/${seriesId}`,
};
