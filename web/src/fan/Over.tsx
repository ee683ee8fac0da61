// The ends of a place: paid, out of time, left, or nothing left to buy.

import { useQuery } from '@urql/preact';
import { useEffect } from 'preact/hooks';
import { type ProblemCode, TicketsDocument } from '../gql/graphql.ts';
import { useStore } from '../shared/store.ts';
import { Failure, Title } from '../shared/ui.tsx';
import type { DateData } from './Concert.tsx';
import type { Step } from './DatePage.tsx';
import { nothing } from './held.ts';
import type { Place } from './identity.ts';
import { memories, memoryOf, setMemory } from './memory.ts';
import { ProblemNotice } from './Problem.tsx';
import { href } from './route.ts';
import { Ticket } from './Ticket.tsx';
import { useJoin } from './useJoin.ts';
import { useWords } from './words.ts';

interface OverProps {
  date: DateData;
  place: Place;
  status: 'EXPIRED' | 'LEFT' | 'SOLD_OUT' | 'CLOSED';
}

function JoinAgain({ place, quiet = false, text }: { place: Place; quiet?: boolean; text: string }) {
  const words = useWords();
  const { busy, error, problem, join } = useJoin(place.concertId, place.seriesId);
  return (
    <>
      <button type="button" class={quiet ? 'quiet' : 'big'} disabled={busy} onClick={() => void join()}>{text}</button>
      {problem !== null && <ProblemNotice code={problem satisfies ProblemCode} at={place} />}
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void join()} />}
    </>
  );
}

export function Over({ date, place, status }: OverProps) {
  const words = useWords();
  const said = {
    EXPIRED: [words.over.EXPIRED, words.over.expired],
    LEFT: [words.over.LEFT, words.over.left],
    SOLD_OUT: [words.over.soldOut, words.over.soldOutText],
    CLOSED: [words.over.closed, words.join.closed],
  }[status];
  // A place with live holds does not expire: whatever was held has gone back by now.
  const { held, lapsed } = memoryOf(useStore(memories), date.id);
  const wentBack = status === 'EXPIRED' ? held.length + lapsed : 0;
  const open = status !== 'CLOSED' && date.status !== 'CLOSED' && status !== 'SOLD_OUT';
  return (
    <section class="over" data-over={status}>
      <Title>{said[0]}</Title>
      <p class="lead">{said[1]}</p>
      {wentBack > 0 && <p class="notice" role="alert" data-lapsed={wentBack}>{words.checkout.lapsed(wentBack)}</p>}
      {open ? (
        <JoinAgain place={place} text={words.over.joinAgain} />
      ) : (
        <a class="button" href={href.concert(place.concertId)}>{words.join.other}</a>
      )}
    </section>
  );
}

export function Done({ date, place }: Step) {
  const words = useWords();
  // Paid, be it in another window: nothing that was held can lapse.
  useEffect(() => setMemory(date.id, nothing), [date.id]);
  const [{ data }] = useQuery({ query: TicketsDocument, variables: {}, requestPolicy: 'cache-and-network' });
  const tickets = data?.reservations?.nodes.filter(
    (ticket) => ticket.seat.series.id === date.id && ticket.status === 'CONFIRMED',
  );
  return (
    <section class="done">
      <Title>{words.over.COMPLETED}</Title>
      <p class="lead">{words.over.completed}</p>
      <div class="tickets">{tickets?.map((ticket) => <Ticket key={ticket.id} ticket={ticket} />)}</div>
      <p class="row">
        <a class="button" href={href.tickets}>{words.tickets.all}</a>
        {date.status === 'ON_SALE' && <JoinAgain quiet place={place} text={words.over.more} />}
      </p>
    </section>
  );
}
