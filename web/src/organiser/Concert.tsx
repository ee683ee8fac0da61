import { useQuery } from '@urql/preact';
import { OwnConcertDocument } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { Rows } from '../shared/guard.tsx';
import { useFormat } from '../shared/language.ts';
import { Title } from '../shared/ui.tsx';
import { href } from './route.ts';
import { useWords } from './words.ts';

export function NotHere() {
  const words = useWords();
  return (
    <>
      <Title>{words.concert.notFound}</Title>
      <p class="row block"><a class="button" href={href.concerts}>{words.nav.concerts}</a></p>
    </>
  );
}

export function Concert({ id }: { id: string }) {
  const words = useWords();
  const format = useFormat();
  const asked = useQuery({ query: OwnConcertDocument, variables: { id }, requestPolicy: 'cache-and-network' });
  return (
    <Answer of={asked} pick={(data) => data.concert} words={words} missing={<NotHere />}>
      {(concert) => (
        <>
          <a class="crumb" href={href.concerts}>{words.nav.concerts}</a>
          <Title>{concert.title}</Title>
          <p class="row block"><a class="button" href={href.newDate(id)}>{words.concert.add}</a></p>
          {concert.series.length === 0 && <p class="empty">{words.concert.noDates}</p>}
          <ul class="rows">
            <Rows of={concert.series} instead={<li>{words.broken.row}</li>}>
              {(date) => (
                <li>
                  <a href={href.board(id, date.id)} aria-label={`${words.concert.open}: ${format.moment(date.startAt)}`}>
                    <h2>{format.moment(date.startAt)}</h2>
                    <span>{words.concert.left(format.number(date.availableCount), format.number(date.seatCount))}</span>
                    <span class="status" data-status={date.status}>{words.statuses[date.status]}</span>
                  </a>
                </li>
              )}
            </Rows>
          </ul>
        </>
      )}
    </Answer>
  );
}
