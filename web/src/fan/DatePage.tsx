// One date: joining, waiting, choosing, paying and being done are one page, and the place says which of them it is.

import { Provider, useClient, useQuery, useSubscription } from '@urql/preact';
import { useEffect } from 'preact/hooks';
import { ConcertDocument, type ConcertQuery, PlaceDocument, PollPlaceDocument, type PositionFragment, TokenDocument } from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { type Session, sessionFor } from '../shared/client.ts';
import { errorCode } from '../shared/errors.ts';
import { useFormat } from '../shared/language.ts';
import { useStore } from '../shared/store.ts';
import { LinkBanner, Say } from '../shared/ui.tsx';
import { Checkout } from './Checkout.tsx';
import { type ConcertData, type DateData, NotHere } from './Concert.tsx';
import { noteStart, type Place, places } from './identity.ts';
import { Join } from './Join.tsx';
import { Done, Over } from './Over.tsx';
import { later } from './place.ts';
import { href } from './route.ts';
import { SeatPicker } from './SeatPicker.tsx';
import { WaitingRoom } from './WaitingRoom.tsx';
import { useWords } from './words.ts';

export interface Step {
  concert: ConcertData;
  date: DateData;
  place: Place;
  position: PositionFragment;
}

interface Props {
  concertId: string;
  seriesId: string;
  step: 'auto' | 'pay';
}

export function DatePage({ concertId, seriesId, step }: Props) {
  const words = useWords();
  const asked = useQuery({ query: ConcertDocument, variables: { id: concertId }, requestPolicy: 'cache-and-network' });
  const pick = ({ concert }: ConcertQuery) => {
    const date = concert?.series.find(({ id }) => id === seriesId);
    return concert == null || date === undefined ? null : { concert, date };
  };
  return (
    <Answer of={asked} pick={pick} words={words} missing={<NotHere text={words.problems.SERIES_NOT_FOUND} />}>
      {({ concert, date }) => <OneDate concert={concert} date={date} step={step} />}
    </Answer>
  );
}

function OneDate({ concert, date, step }: { concert: ConcertData; date: DateData; step: Props['step'] }) {
  const words = useWords();
  const format = useFormat();
  const place = useStore(places).find((known) => known.seriesId === date.id);
  const session = place === undefined ? null : sessionFor(place.jwt);
  return (
    <>
      <p class="crumbs">
        <a class="crumb" dir="auto" href={href.concert(concert.id)}>{concert.title}</a>
        <span>{format.moment(date.startAt)}</span>
      </p>
      {place === undefined || session === null ? (
        <Join concert={concert} date={date} />
      ) : (
        <Provider key={place.tokenId} value={session.client}>
          <LinkBanner link={session.link} lost={words.link.lost(format.span(date.queuePolicy.heartbeatTimeoutSeconds))} back={words.link.back} />
          <Placed concert={concert} date={date} place={place} step={step} session={session} />
        </Provider>
      )}
    </>
  );
}

/** How often the place is asked for by HTTP while no socket goes through. */
const POLL_MS = 5_000;

/** The place, live by subscription; by polling while the socket is down, which counts as a heartbeat too. */
function usePosition(tokenId: string, session: Session) {
  const client = useClient();
  const link = useStore(session.link);
  const asked = useQuery({ query: TokenDocument, variables: { id: tokenId }, requestPolicy: 'cache-and-network' });
  const [, again] = asked;
  const [{ data: news, error: refusal }] = useSubscription({ query: PlaceDocument, variables: { tokenId } });
  useEffect(() => {
    // The stream was refused or broke off with an error: what has become of the place is asked for again.
    if (refusal !== undefined) again({ requestPolicy: 'network-only' });
  }, [refusal]);
  useEffect(() => {
    if (link !== 'lost') return undefined;
    const poll = setInterval(
      () => void client.query(PollPlaceDocument, { tokenId }, { requestPolicy: 'network-only' }).toPromise(),
      POLL_MS,
    );
    return () => clearInterval(poll);
  }, [link, tokenId]);
  const told = news?.queuePosition;
  const known = asked[0].data?.token?.position;
  // What the stream brings goes into the cache as well, by the place's token; but an older answer may come in after it.
  return { asked, link, position: link === 'live' ? later(told, known) : later(known, told) };
}

function Placed({ concert, date, place, step, session }: Omit<Step, 'position'> & { step: Props['step']; session: Session }) {
  const words = useWords();
  const { asked, link, position } = usePosition(place.tokenId, session);
  const [token] = asked;
  const waiting = position?.status === 'WAITING';
  useEffect(() => {
    // Who looks at the line has to know within seconds when it does not move because the network is gone.
    const watch = () => session.watch(waiting && !document.hidden);
    watch();
    document.addEventListener('visibilitychange', watch);
    return () => {
      document.removeEventListener('visibilitychange', watch);
      session.watch(false);
    };
  }, [session, waiting]);
  const number = position?.position ?? null;
  useEffect(() => {
    if (number !== null && number > 0) noteStart(place.tokenId, number);
  }, [number]);

  const refused = token.error !== undefined && ['UNAUTHENTICATED', 'NOT_FOUND'].includes(errorCode(token.error));
  const over = <Over date={date} place={place} status="EXPIRED" />;
  if (link === 'refused' || refused) return over;
  if (position == null) return <Answer of={asked} pick={(data) => data.token?.position} words={words} missing={over}>{() => null}</Answer>;
  const all: Step = { concert, date, place, position };
  return (
    <>
      <Say urgent text={position.status === 'ADMITTED' ? words.place.admitted : ''} />
      {body(all, step)}
    </>
  );
}

function body(all: Step, step: Props['step']) {
  const { date, place, position } = all;
  switch (position.status) {
    case 'WAITING':
      if (position.seriesStatus === 'SOLD_OUT' || position.seriesStatus === 'CLOSED') {
        return <Over date={date} place={place} status={position.seriesStatus} />;
      }
      return <WaitingRoom {...all} />;
    case 'ADMITTED':
      return step === 'pay' ? <Checkout {...all} /> : <SeatPicker {...all} />;
    case 'COMPLETED':
      return <Done {...all} />;
    case 'EXPIRED':
    case 'LEFT':
      return <Over date={date} place={place} status={position.status} />;
  }
}
