import { store, useStore } from '../shared/store.ts';

export type Route =
  | { page: 'concerts' }
  | { page: 'concert'; id: string }
  | { page: 'new'; concertId: string }
  | { page: 'board'; concertId: string; seriesId: string };

function parse(hash: string): Route {
  const [page = '', id = '', third = ''] = hash.replace(/^#?\/?/, '').split('/').map(decodeURIComponent);
  if (page !== 'concert' || id === '') return { page: 'concerts' };
  if (third === '') return { page: 'concert', id };
  return third === 'new' ? { page: 'new', concertId: id } : { page: 'board', concertId: id, seriesId: third };
}

export const href = {
  concerts: '#/',
  concert: (id: string) => `#/concert/${id}`,
  newDate: (id: string) => `#/concert/${id}/new`,
  board: (id: string, seriesId: string) => `#/concert/${id}/${seriesId}`,
};

const current = store<Route>(parse(location.hash));
window.addEventListener('hashchange', () => current.set(parse(location.hash)));

export const useRoute = (): Route => useStore(current);

export function go(to: string): void {
  location.hash = to;
}
