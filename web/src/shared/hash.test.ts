import { expect, test } from '@playwright/test';
import { parse as fan } from '../fan/routes.ts';
import { parse as organiser } from '../organiser/routes.ts';

const a = '0198c2b0-0000-7000-8000-00000000000a';
const b = '0198c2b0-0000-7000-8000-00000000000b';

const broken = [
  '', '#', '#/', '#//', '#///', '#!/', '#?', '#/?', '#/ ', '#/%', '#/%E0%A4%A', '#/%ff%fe', '#/concert', '#/concert/', '#/concert//',
  `#/concert/%E0%A4%A/${b}`, `#/concert/${a}/%`, '#/concert/1', '#/concert/undefined', '#/concert/null', '#/concert/[object Object]',
  `#/concert/${a.slice(1)}`, `#/concert/${a}a`, `#/concert/${a}%00`, `#/concert/${a}/1`, `#/concert//${b}`, `#/${a}`, '#/nowhere',
  '#/__proto__', '#/constructor', '#/toString', '#/hasOwnProperty', '#/concert/__proto__', '#/concert/constructor/prototype',
  '#/Concert', '#/<script>', '#/javascript:alert(1)', `#/${'x/'.repeat(10_000)}`, '#/concert/\u202e', '#/concert/../..',
];

test('whatever is no page of the fan shows the concerts', () => {
  for (const hash of broken) expect(fan(hash), hash).toEqual({ page: 'concerts' });
});

test('whatever is no page of the organiser shows the concerts', () => {
  for (const hash of broken) expect(organiser(hash), hash).toEqual({ page: 'concerts' });
});

test('a ticket that is none leads to the tickets', () => {
  for (const hash of ['#/tickets/1', '#/tickets/__proto__', '#/tickets/', '#/tickets//']) expect(fan(hash)).toEqual({ page: 'tickets' });
});

test('what a mail program adds behind the address does no harm', () => {
  expect(fan(`#/concert/${a}?utm_source=mail&x=%`)).toEqual({ page: 'concert', id: a });
  expect(fan(`#/concert/${a}/`)).toEqual({ page: 'concert', id: a });
  expect(organiser(`#/concert/${a}/${b}?x`)).toEqual({ page: 'board', concertId: a, seriesId: b });
});

test('every page is reached', () => {
  expect(fan(`#/concert/${a}/${b}`)).toEqual({ page: 'date', concertId: a, seriesId: b, step: 'auto' });
  expect(fan(`#/concert/${a}/${b}/pay`)).toEqual({ page: 'date', concertId: a, seriesId: b, step: 'pay' });
  expect(fan(`#/tickets/${b}`)).toEqual({ page: 'ticket', id: b });
  expect(fan('#/wallet')).toEqual({ page: 'wallet' });
  expect(fan('wallet')).toEqual({ page: 'wallet' });
  expect(organiser(`#/concert/${a}/new`)).toEqual({ page: 'new', concertId: a });
  expect(organiser(`#/concert/${a}`)).toEqual({ page: 'concert', id: a });
});
