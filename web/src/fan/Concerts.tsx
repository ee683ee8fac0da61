import { useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { type ConcertsQuery, ConcertsDocument } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { Rows } from '../shared/guard.tsx';
import { useFormat } from '../shared/language.ts';
import { Failure, Title } from '../shared/ui.tsx';
import { href } from './route.ts';
import { useWords } from './words.ts';

type Item = NonNullable<ConcertsQuery['concerts']>['nodes'][number];

function Poster({ item, nth }: { item: Item; nth: number }) {
  const words = useWords();
  const format = useFormat();
  const best = (['ON_SALE', 'PAUSED', 'UPCOMING', 'SOLD_OUT', 'CLOSED'] as const).find((status) =>
    item.series.some((date) => date.status === status),
  );
  return (
    <li>
      <a class="poster" href={href.concert(item.id)} data-look={nth % 4}>
        <span class="poster-when">
          {item.series.length === 0 ? words.concerts.noDates : format.days(item.series.map((date) => date.startAt))}
        </span>
        <h2 dir="auto">{item.title}</h2>
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
  const asked = useQuery({
    query: ConcertsDocument,
    variables: { search: search.trim() || null, after },
    requestPolicy: 'cache-and-network',
  });
  const [{ data, error }, again] = asked;
  return (
    <>
      <section class="hero">
        <Title>{words.concerts.title}</Title>
        <p class="lead">{words.concerts.lead}</p>
        <input
          type="search"
          dir="auto"
          aria-label={words.concerts.search}
          placeholder={words.concerts.search}
          value={search}
          onInput={(event) => {
            setAfter(null);
            setSearch(event.currentTarget.value);
          }}
        />
      </section>
      {error !== undefined && data?.concerts != null && (
        <Failure error={error} again={words.again} retry={() => again({ requestPolicy: 'network-only' })} />
      )}
      <Answer of={asked} pick={(all) => all.concerts} words={words} missing={<p class="empty">{words.concerts.empty}</p>}>
        {({ nodes, pageInfo }) => (
          <>
            {nodes.length === 0 && <p class="empty">{search === '' ? words.concerts.empty : words.concerts.none}</p>}
            <ul class="posters">
              <Rows of={nodes} instead={<li class="empty">{words.broken.row}</li>}>
                {(item, nth) => <Poster item={item} nth={nth} />}
              </Rows>
            </ul>
            {pageInfo.hasNextPage && (
              <button type="button" class="quiet" onClick={() => setAfter(pageInfo.endCursor)}>{words.concerts.more}</button>
            )}
          </>
        )}
      </Answer>
    </>
  );
}
