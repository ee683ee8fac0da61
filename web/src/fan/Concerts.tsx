import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { type ConcertsQuery, ConcertsDocument } from '../gql/graphql.ts';
import { useFormat } from '../shared/language.ts';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import { href } from './route.ts';
import { useWords } from './words.ts';

type Item = ConcertsQuery['concerts']['nodes'][number];

function spanOfDates(item: Item): [string, string] | null {
  const starts = item.series.map((date) => date.startAt).sort();
  const [first, last] = [starts[0], starts.at(-1)];
  return first === undefined || last === undefined ? null : [first, last];
}

function Poster({ item, nth }: { item: Item; nth: number }) {
  const words = useWords();
  const format = useFormat();
  const span = spanOfDates(item);
  const best = (['ON_SALE', 'PAUSED', 'UPCOMING', 'SOLD_OUT', 'CLOSED'] as const).find((status) =>
    item.series.some((date) => date.status === status),
  );
  return (
    <li>
      <a class="poster" href={href.concert(item.id)} data-look={nth % 4}>
        <span class="poster-when">
          {span === null ? words.concerts.noDates : format.days(...span)}
        </span>
        <h2>{item.title}</h2>
        <span class="poster-foot">
          {item.series.length > 0 && <span>{words.concerts.dates(item.series.length)}</span>}
          {best !== undefined && <span class="status" data-status={best}>{words.statuses[best]}</span>}
        </span>
      </a>
    </li>
  );
}

export function Concerts() {
  const words = useWords();
  const [search, setSearch] = useState('');
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, error, fetching }, again] = useQuery({
    query: ConcertsDocument,
    variables: { search: search.trim() || null, after },
    requestPolicy: 'cache-and-network',
  });
  const found = data?.concerts.nodes;
  return (
    <>
      <section class="hero">
        <Title>{words.concerts.title}</Title>
        <p class="lead">{words.concerts.lead}</p>
        <input
          type="search"
          aria-label={words.concerts.search}
          placeholder={words.concerts.search}
          value={search}
          onInput={(event) => {
            setAfter(null);
            setSearch(event.currentTarget.value);
          }}
        />
      </section>
      {error !== undefined && <Failure error={error} again={words.again} retry={() => again({ requestPolicy: 'network-only' })} />}
      {found === undefined && fetching && <Loading text={words.loading} />}
      {found?.length === 0 && <p class="empty">{search === '' ? words.concerts.empty : words.concerts.none}</p>}
      <ul class="posters">{found?.map((item, nth) => <Poster key={item.id} item={item} nth={nth} />)}</ul>
      {data?.concerts.pageInfo.hasNextPage === true && (
        <button type="button" class="quiet" onClick={() => setAfter(data.concerts.pageInfo.endCursor)}>
          {words.concerts.more}
        </button>
      )}
    </>
  );
}
