// The pages of the fan, as the hash spells them. Pure.

import { isId, parts } from '../shared/hash.ts';

export type Route =
  | { page: 'concerts' }
  | { page: 'concert'; id: string }
  | { page: 'date'; concertId: string; seriesId: string; step: 'auto' | 'pay' }
  | { page: 'tickets' }
  | { page: 'ticket'; id: string }
  | { page: 'wallet' };

/** What the hash names; the concerts if that is nothing. */
export function parse(hash: string): Route {
  const [page, id, seriesId, step] = parts(hash);
  if (page === 'concert' && isId(id)) {
    if (seriesId === undefined) return { page, id };
    if (isId(seriesId)) return { page: 'date', concertId: id, seriesId, step: step === 'pay' ? 'pay' : 'auto' };
  }
  if (page === 'tickets') return isId(id) ? { page: 'ticket', id } : { page };
  if (page === 'wallet') return { page };
  return { page: 'concerts' };
}

export const href = {
  concerts: '#/',
  concert: (id: string) => `#/concert/${id}`,
  date: (concertId: string, seriesId: string) => `#/concert/${concertId}/${seriesId}`,
  pay: (concertId: string, seriesId: string) => `#/concert/${concertId}/${seriesId}/pay`,
  tickets: '#/tickets',
  ticket: (id: string) => `#/tickets/${id}`,
  wallet: '#/wallet',
};
