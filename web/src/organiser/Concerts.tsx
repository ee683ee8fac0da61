import { useMutation, useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { CreateConcertDocument, OwnConcertsDocument, type OwnConcertsQuery } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { Rows } from '../shared/guard.tsx';
import { useFormat } from '../shared/language.ts';
import { Failure, Title } from '../shared/ui.tsx';
import type { Organiser } from './identity.ts';
import { go, href } from './route.ts';
import { useWords } from './words.ts';

type Item = NonNullable<OwnConcertsQuery['concerts']>['nodes'][number];

function CreateConcert() {
  const words = useWords();
  const [title, setTitle] = useState('');
  const [{ fetching, error }, create] = useMutation(CreateConcertDocument);
  const submit = async () => {
    const made = (await create({ title: title.trim() })).data?.createConcert;
    if (made != null) go(href.concert(made.id));
  };
  return (
    <form
      class="create"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label class="field">
        <span>{words.concerts.name}</span>
        <input dir="auto" required maxLength={200} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
      </label>
      <button disabled={fetching || title.trim() === ''}>{words.concerts.go}</button>
      {error !== undefined && <Failure error={error} again={words.again} />}
    </form>
  );
}

export function Concerts({ who }: { who: Organiser }) {
  const words = useWords();
  const format = useFormat();
  const [after, setAfter] = useState<string | null>(null);
  const asked = useQuery({ query: OwnConcertsDocument, variables: { after }, requestPolicy: 'cache-and-network' });
  // The catalogue is public; what is run from here is what this organiser made. An admin runs everything.
  const own = (concert: Item) => who.admin || concert.organizerId === who.user;
  return (
    <>
      <Title>{words.concerts.title}</Title>
      <section class="block">
        <h2>{words.concerts.create}</h2>
        <CreateConcert />
      </section>
      <Answer of={asked} pick={(data) => data.concerts} words={words} missing={<p class="empty">{words.concerts.none}</p>}>
        {({ nodes, pageInfo }) => (
          <>
            {!nodes.some(own) && <p class="empty">{words.concerts.none}</p>}
            <ul class="rows">
              <Rows of={nodes.filter(own)} instead={<li>{words.broken.row}</li>}>
                {(concert) => (
                  <li>
                    <a href={href.concert(concert.id)}>
                      <h2 dir="auto">{concert.title}</h2>
                      <span>{words.concerts.dates(concert.series.length)}</span>
                      <span>{concert.series[0] === undefined ? '' : format.day(concert.series[0].startAt)}</span>
                    </a>
                  </li>
                )}
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
