// Where in the fan's page: kept in the hash, so that the server needs to know one path only.

import { store, useStore } from '../shared/store.ts';
import { parse, type Route } from './routes.ts';

export { href, type Route } from './routes.ts';

const current = store<Route>(parse(location.hash));
window.addEventListener('hashchange', () => current.set(parse(location.hash)));

export const useRoute = (): Route => useStore(current);

export function go(to: string): void {
  location.hash = to;
}
