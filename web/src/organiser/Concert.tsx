import { useQuery } from '@urql/preact';
import { OwnConcertDocument } from '../gql/graphql.ts';
import { useFormat } from '../shared/language.ts';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import { href } from './route.ts';
import { useWords } from './words.ts';

export function Concert({ id }: { id: string }) {
  const words = useWords();
  const format = useFormat();
  const [{ data, error, fetching }, again] = useQuery({
    query: OwnConcertDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  });
  if (error !== undefined && data === undefined) {
    return <Failure error={error} again={words.again} retry={() => again({ requestPolicy: 'network-only' })} />;
  }
  if (data === undefined) return fetching ? <Loading text={words.loading} /> : null;
  const concert = data.concert;
  if (concert === null) return <Title>{words.concert.notFound}</Title>;
  return (
    <>
      <a class="crumb" href={href.concerts}>{words.nav.concerts}</a>
      <Title>{concert.title}</Title>
      <p class="row block"><a class="button" href={href.newDate(id)}>{words.concert.add}</a></p>
      {concert.series.length === 0 && <p class="empty">{words.concert.noDates}</p>}
      <ul class="rows">
        {concert.series.map((date) => (
          <li key={date.id}>
            <a href={href.board(id, date.id)} aria-label={`${words.concert.open}: ${format.moment(date.startAt)}`}>
              <h2>{format.moment(date.startAt)}</h2>
              <span>{words.concert.left(format.number(date.availableCount), format.number(date.seatCount))}</span>
              <span class="status" data-status={date.status}>{words.statuses[date.status]}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
