import { useMutation, useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { CancelDocument, type ProblemCode, TicketDocument, type TicketPartsFragment, TicketsDocument } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { Rows } from '../shared/guard.tsx';
import { useIntent } from '../shared/intent.ts';
import { useFormat } from '../shared/language.ts';
import { useStore } from '../shared/store.ts';
import { Failure, Title } from '../shared/ui.tsx';
import { AsUser } from './AsUser.tsx';
import { anyToken, places } from './identity.ts';
import { ProblemNotice } from './Problem.tsx';
import { href } from './route.ts';
import { Ticket } from './Ticket.tsx';
import { useWords } from './words.ts';

function NoTickets() {
  const words = useWords();
  return (
    <div class="empty">
      <p><strong>{words.tickets.none}</strong> {words.tickets.noneLead}</p>
      <a class="button" href={href.concerts}>{words.ways.concerts}</a>
    </div>
  );
}

function TicketList() {
  const words = useWords();
  const [after, setAfter] = useState<string | null>(null);
  const asked = useQuery({ query: TicketsDocument, variables: { after }, requestPolicy: 'cache-and-network' });
  return (
    <Answer of={asked} pick={(data) => data.reservations} words={words} missing={<NoTickets />}>
      {({ nodes, pageInfo }) => (nodes.length === 0 ? <NoTickets /> : (
        <>
          <div class="tickets">
            <Rows of={nodes} instead={<p class="empty">{words.broken.row}</p>}>{(ticket) => <Ticket ticket={ticket} />}</Rows>
          </div>
          {pageInfo.hasNextPage && (
            <button type="button" class="quiet" onClick={() => setAfter(pageInfo.endCursor)}>{words.tickets.more}</button>
          )}
        </>
      ))}
    </Answer>
  );
}

export function Tickets() {
  const words = useWords();
  const token = anyToken(useStore(places));
  return (
    <>
      <Title>{words.tickets.title}</Title>
      {token === null ? <NoTickets /> : <AsUser><TicketList /></AsUser>}
    </>
  );
}

function CancelTicket({ ticket }: { ticket: TicketPartsFragment }) {
  const words = useWords();
  const format = useFormat();
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<ProblemCode | null>(null);
  const [{ fetching, error }, cancel] = useMutation(CancelDocument);
  const intent = useIntent(ticket.id);
  const amount = format.points(ticket.seat.price);

  if (ticket.status === 'CANCELLED') {
    return <p class="notice" data-tone="good" role="status">{words.tickets.cancelledNow(amount)}</p>;
  }
  const really = async () => {
    const answer = (await cancel({ reservationId: ticket.id, key: intent.key() })).data?.cancelReservation;
    if (answer == null) return;
    intent.settled();
    setProblem(answer.problem?.code ?? null);
    setAsking(false);
  };
  return (
    <>
      {problem !== null && <ProblemNotice code={problem} />}
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void really()} />}
      {asking ? (
        <div class="ask" role="group" aria-label={words.tickets.cancel}>
          <p>{words.tickets.cancelSure(amount)}</p>
          <button type="button" class="quiet" disabled={fetching} onClick={() => void really()}>{words.tickets.cancelYes}</button>
          <button type="button" autofocus onClick={() => setAsking(false)}>{words.tickets.keep}</button>
        </div>
      ) : (
        <button type="button" class="text" onClick={() => setAsking(true)}>{words.tickets.cancel}</button>
      )}
    </>
  );
}

function OneTicket({ id }: { id: string }) {
  const words = useWords();
  const asked = useQuery({ query: TicketDocument, variables: { id } });
  return (
    <Answer of={asked} pick={(data) => data.reservation} words={words} missing={<p class="empty">{words.tickets.notFound}</p>}>
      {(ticket) => (
        <div class="one-ticket">
          <Ticket ticket={ticket} open={false} />
          <CancelTicket ticket={ticket} />
        </div>
      )}
    </Answer>
  );
}

export function TicketPage({ id }: { id: string }) {
  const words = useWords();
  return (
    <>
      <a class="crumb" href={href.tickets}>{words.tickets.all}</a>
      <Title><span class="unseen">{words.tickets.title}</span></Title>
      <AsUser><OneTicket id={id} /></AsUser>
    </>
  );
}
