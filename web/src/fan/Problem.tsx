// What a fan can run into, in clear words and with a way on.

import type { ProblemCode } from '../gql/graphql.ts';
import { href } from './route.ts';
import type { Words } from './words.en.ts';
import { useWords } from './words.ts';

type Way = keyof Words['ways'] | null;

/** Where each problem leads; null where the words say it all and the fan is already at the right place. */
const ways: Record<ProblemCode, Way> = {
  SERIES_NOT_FOUND: 'concerts',
  SALE_NOT_OPEN: 'place',
  SALE_CLOSED: 'concerts',
  SALE_PAUSED: null,
  SOLD_OUT: 'concerts',
  TOKEN_EXPIRED: 'join',
  NOT_ADMITTED: 'place',
  SEAT_NOT_FOUND: null,
  SEAT_TAKEN: null,
  SEAT_LIMIT_REACHED: null,
  HOLD_NOT_FOUND: 'seats',
  HOLD_EXPIRED: 'seats',
  NOTHING_TO_PAY: 'seats',
  AMOUNT_NOT_POSITIVE: null,
  INSUFFICIENT_POINTS: 'charge',
  BALANCE_LIMIT_EXCEEDED: null,
  IDEMPOTENCY_KEY_REUSED: null,
  RESERVATION_NOT_FOUND: 'tickets',
  CANCELLATION_CLOSED: 'tickets',
};

interface Props {
  code: ProblemCode;
  /** The date that it happened at, where there is one. */
  at?: { concertId: string; seriesId: string };
}

export function ProblemNotice({ code, at }: Props) {
  const words = useWords();
  const way = ways[code];
  const date = at === undefined ? href.concerts : href.date(at.concertId, at.seriesId);
  const to = { concerts: href.concerts, join: date, place: date, seats: date, charge: null, tickets: href.tickets };
  const target = way === null ? null : to[way];
  return (
    <div class="notice" data-tone="bad" role="alert" data-code={code}>
      <p>{words.problems[code]}</p>
      {way === 'charge' && (
        <button type="button" class="quiet" onClick={() => document.getElementById('charge-amount')?.focus()}>
          {words.ways.charge}
        </button>
      )}
      {way !== null && target !== null && <a class="button quiet" href={target}>{words.ways[way]}</a>}
    </div>
  );
}
