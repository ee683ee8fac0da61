import { useQuery } from '@urql/preact';
import { ConcertDocument, type ConcertQuery } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { Rows } from '../shared/guard.tsx';
import { useFormat } from '../shared/language.ts';
import { useStore } from '../shared/store.ts';
import { Title } from '../shared/ui.tsx';
import { places } from './identity.ts';
import { href } from './route.ts';
import { useWords } from './words.ts';

export type ConcertData = NonNullable<ConcertQuery['concert']>;
export type DateData = ConcertData['series'][number];

function DateRow({ concertId, date }: { concertId: string; date: DateData }) {
  const words = useWords();
  const format = useFormat();
  const placed = useStore(places).some((place) => place.seriesId === date.id);
  const open = date.status === 'ON_SALE' || date.status === 'UPCOMING' || date.status === 'PAUSED';
  const share = date.seatCount === 0 ? 0 : date.availableCount / date.seatCount;
  return (
    <li class="date" data-status={date.status}>
      <div>
        <h2>{format.day(date.startAt)}</h2>
        <p>{format.hours(date.startAt, date.endAt)}</p>
      </div>
      <div>
        <span class="status" data-status={date.status}>{words.statuses[date.status]}</span>
        {date.status === 'UPCOMING' ? (
          <p>{words.concert.opens(format.moment(date.reserveStartAt))}</p>
        ) : (
          <>
            <p>{words.concert.left(format.number(date.availableCount), format.number(date.seatCount))}</p>
            <span class="thin-bar" data-some={share > 0 && share < 1} aria-hidden="true"><i style={{ '--share': share }} /></span>
          </>
        )}
      </div>
      <a class={open || placed ? 'button' : 'button quiet'} href={href.date(concertId, date.id)}>
        {placed ? words.concert.yourPlace : open ? words.concert.choose : words.concert.look}
        <span class="unseen">, {format.moment(date.startAt)}</span>
      </a>
    </li>
  );
}

export function NotHere({ text }: { text: string }) {
  const words = useWords();
  return (
    <>
      <Title>{text}</Title>
      <p class="row block"><a class="button" href={href.concerts}>{words.concert.all}</a></p>
    </>
  );
}

export function Concert({ id }: { id: string }) {
  const words = useWords();
  const asked = useQuery({ query: ConcertDocument, variables: { id }, requestPolicy: 'cache-and-network' });
  return (
    <Answer of={asked} pick={(data) => data.concert} words={words} missing={<NotHere text={words.concert.notFound} />}>
      {(concert) => (
        <>
          <a class="crumb" href={href.concerts}>{words.concert.all}</a>
          <Title>{concert.title}</Title>
          {concert.series.length === 0 && <p class="empty">{words.concert.noDates}</p>}
          <ul class="dates" aria-label={words.concert.dates}>
            <Rows of={concert.series} instead={<li class="date">{words.broken.row}</li>}>
              {(date) => <DateRow concertId={concert.id} date={date} />}
            </Rows>
          </ul>
        </>
      )}
    </Answer>
  );
}
