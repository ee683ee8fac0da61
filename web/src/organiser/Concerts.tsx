import { useMutation, useQuery } from '@urql/preact';
import { useState } from 'preact/hooks';
import { CreateConcertDocument, OwnConcertsDocument } from '../gql/graphql.ts';
import { useFormat } from '../shared/language.ts';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import type { Organiser } from './identity.ts';
import { go, href } from './route.ts';
import { useWords } from './words.ts';

function CreateConcert() {
  const words = useWords();
  const [title, setTitle] = useState('');
  const [{ fetching, error }, create] = useMutation(CreateConcertDocument);
  const submit = async () => {
    const { data } = await create({ title: title.trim() });
    if (data !== undefined) go(href.concert(data.createConcert.id));
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
        <input required maxLength={200} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
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
  const [{ data, error, fetching }, again] = useQuery({
    query: OwnConcertsDocument,
    variables: { after },
    requestPolicy: 'cache-and-network',
  });
  // The catalogue is public; what is run from here is what this organiser made. An admin runs everything.
  const mine = data?.concerts.nodes.filter((concert) => who.admin || concert.organizerId === who.user);
  return (
    <>
      <Title>{words.concerts.title}</Title>
      <section class="block">
        <h2>{words.concerts.create}</h2>
        <CreateConcert />
      </section>
      {error !== undefined && <Failure error={error} again={words.again} retry={() => again({ requestPolicy: 'network-only' })} />}
      {mine === undefined && fetching && <Loading text={words.loading} />}
      {mine?.length === 0 && <p class="empty">{words.concerts.none}</p>}
      <ul class="rows">
        {mine?.map((concert) => (
          <li key={concert.id}>
            <a href={href.concert(concert.id)}>
              <h2>{concert.title}</h2>
              <span>{words.concerts.dates(concert.series.length)}</span>
              <span>{concert.series[0] === undefined ? '' : format.day(concert.series[0].startAt)}</span>
            </a>
          </li>
        ))}
      </ul>
      {data?.concerts.pageInfo.hasNextPage === true && (
        <button type="button" class="quiet" onClick={() => setAfter(data.concerts.pageInfo.endCursor)}>{words.concerts.more}</button>
      )}
    </>
  );
}
