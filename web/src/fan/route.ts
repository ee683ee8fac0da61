// Where in the fan's page: kept in the hash, so that the server needs to know one path only.

import { store, useStore } from '../shared/store.ts';

export type Route =
  | { page: 'concerts' }
  | { page: 'concert'; id: string }
  | { page: 'date'; concertId: string; seriesId: string; step: 'auto' | 'pay' }
  | { page: 'tickets' }
  | { page: 'ticket'; id: string }
  | { page: 'wallet' };

export function parse(hash: string): Route {
  const [page = '', id = '', seriesId = '', step = ''] = hash.replace(/^#?\/?/, '').split('/').map(decodeURIComponent);
  if (page === 'concert' && seriesId !== '') {
    return { page: 'date', concertId: id, seriesId, step: step === 'pay' ? 'pay' : 'auto' };
  }
  if (page === 'concert' && id !== '') return { page, id };
  if (page === 'tickets') return id === '' ? { page } : { page: 'ticket', id };
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

const current = store<Route>(parse(location.hash));
window.addEventListener('hashchange', () => current.set(parse(location.hash)));

export const useRoute = (): Route => useStore(current);

export function go(to: string): void {
  location.hash = to;
}
