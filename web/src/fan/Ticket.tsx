// A ticket, as it could be printed.

import { encode } from 'uqr';
import { useMemo } from 'preact/hooks';
import type { TicketPartsFragment } from '../gql/graphql.ts';
import { useFormat } from '../shared/language.ts';
import { userName } from './identity.ts';
import { href } from './route.ts';
import { useWords } from './words.ts';

/** The ticket's id as a QR code: one path of unit squares. */
function Code({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const code = encode(text, { ecc: 'M', border: 0 });
    const squares = code.data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { size: code.size, path: squares.join('') };
  }, [text]);
  return (
    <svg class="ticket-code" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}

export function Ticket({ ticket, open = true }: { ticket: TicketPartsFragment; open?: boolean }) {
  const words = useWords();
  const format = useFormat();
  const { seat } = ticket;
  const gone = ticket.status === 'CANCELLED';
  return (
    <article class="ticket" data-gone={gone}>
      <div class="ticket-main">
        <p class="ticket-kind">{gone ? words.tickets.cancelled : words.tickets.admit}</p>
        <h2 dir="auto">{open ? <a href={href.ticket(ticket.id)}>{seat.series.concert.title}</a> : seat.series.concert.title}</h2>
        <p class="ticket-when">{format.day(seat.series.startAt)}<b>{format.time(seat.series.startAt)}</b></p>
        <dl>
          <div><dt>{words.seats.section}</dt><dd dir="auto">{seat.section}</dd></div>
          <div><dt>{words.tickets.row}</dt><dd>{seat.row}</dd></div>
          <div><dt>{words.tickets.seat}</dt><dd>{seat.col}</dd></div>
          {userName() !== '' && <div><dt>{words.tickets.holder}</dt><dd dir="auto">{userName()}</dd></div>}
        </dl>
      </div>
      <div class="ticket-stub">
        {!gone && <Code text={ticket.id} label={`${words.tickets.code} ${ticket.id}`} />}
        <p class="ticket-price">{format.points(seat.price)}</p>
      </div>
    </article>
  );
}
