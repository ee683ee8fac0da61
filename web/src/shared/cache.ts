// What the normalised cache has to be told: which types have which key, and what a mutation makes outdated.

import { type Cache, cacheExchange, type KeyingConfig, type UpdateResolver } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';

const noKey = () => null;
const text = (value: unknown) => (typeof value === 'string' ? value : null);

const embedded = [
  'QueuePolicy',
  'SeatAvailability',
  'Section',
  'WaitEstimate',
  'PageInfo',
  ...['Concert', 'Reservation', 'Payment', 'PointHistory'].flatMap((noun) => [`${noun}Connection`, `${noun}Edge`]),
  ...['IssueToken', 'HoldSeat', 'HoldSeats', 'ReleaseHold', 'Points', 'Pay', 'CancelReservation'].map(
    (verb) => `${verb}Payload`,
  ),
  'SimpleProblem',
  'SeatTaken',
  'NotAdmitted',
  'InsufficientPoints',
];

const keys: KeyingConfig = {
  ...Object.fromEntries(embedded.map((name) => [name, noKey])),
  QueuePosition: (place) => text(place['tokenId']),
  // In news a seat is told of by its number alone, and is none that anything else refers to.
  Seat: (seat) => text(seat['id']),
  SaleStats: (stats) => text(stats['seriesId']),
  Points: (points) => text(points['userId']),
};

/** Forgets those lists of the caller's, whatever their arguments; whoever shows one asks again. */
function forget(cache: Cache, ...fields: string[]): void {
  for (const { fieldName, fieldKey } of cache.inspectFields('Query')) {
    if (fields.includes(fieldName)) cache.invalidate('Query', fieldKey);
  }
}

/** The ledger hangs on the wallet, not on the query. */
function forgetLedger(cache: Cache): void {
  for (const { fieldName, arguments: args } of cache.inspectFields('Query')) {
    const wallet = fieldName === 'points' ? cache.resolve('Query', 'points', args ?? {}) : null;
    if (typeof wallet !== 'string') continue;
    for (const field of cache.inspectFields(wallet)) {
      if (field.fieldName === 'history') cache.invalidate(wallet, field.fieldKey);
    }
  }
}

const holdsChanged: UpdateResolver = (_result, _args, cache) => forget(cache, 'holds');
const moneyMoved: UpdateResolver = (_result, _args, cache) => {
  forget(cache, 'holds', 'reservations', 'payments', 'points');
  forgetLedger(cache);
};
const catalogueChanged: UpdateResolver = (_result, _args, cache) => forget(cache, 'concerts', 'concert', 'series');

export const makeCache = () =>
  cacheExchange({
    keys,
    resolvers: {
      Points: { history: relayPagination() },
      Query: { reservations: relayPagination(), concerts: relayPagination() },
    },
    updates: {
      Mutation: {
        holdSeat: holdsChanged,
        holdSeats: holdsChanged,
        holdBestSeats: holdsChanged,
        releaseHold: holdsChanged,
        charge: moneyMoved,
        usePoints: moneyMoved,
        pay: moneyMoved,
        cancelReservation: moneyMoved,
        createConcert: catalogueChanged,
        createSeries: (result, args, cache, info) => {
          const input = args['input'] as { concertId: string };
          cache.invalidate({ __typename: 'Concert', id: input.concertId }, 'series');
          catalogueChanged(result, args, cache, info);
        },
      },
    },
  });
