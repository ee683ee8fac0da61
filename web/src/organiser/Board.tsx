// The dashboard of one date: the figures live, the house, and the levers of the sale.

import { useClient, useMutation, useQuery, useSubscription } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import {
  OwnConcertDocument, type OwnConcertQuery, PauseSaleDocument, ResumeSaleDocument, type SeriesPartsFragment, StatsDocument, type StatsSubscription,
} from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { serverNow } from '../shared/clock.ts';
import { useFormat } from '../shared/language.ts';
import { useLiveSeats } from '../shared/seatmap/live.ts';
import { Legend } from '../shared/seatmap/Sections.tsx';
import { SeatMap } from '../shared/seatmap/SeatMap.tsx';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import { count, empty, series } from './admissions.ts';
import { Chart } from './Chart.tsx';
import { NotHere } from './Concert.tsx';
import { PolicyEditor } from './Policy.tsx';
import { href } from './route.ts';
import { useWords } from './words.ts';

type Figures = NonNullable<StatsSubscription['saleStats']>;

export function Board({ concertId, seriesId }: { concertId: string; seriesId: string }) {
  const words = useWords();
  const format = useFormat();
  const asked = useQuery({ query: OwnConcertDocument, variables: { id: concertId }, requestPolicy: 'cache-and-network' });
  const pick = ({ concert }: OwnConcertQuery) => {
    const date = concert?.series.find(({ id }) => id === seriesId);
    return concert == null || date === undefined ? null : { concert, date };
  };
  return (
    <Answer of={asked} pick={pick} words={words} missing={<NotHere />}>
      {({ concert, date }) => (
        <>
          <p class="crumbs"><a class="crumb" dir="auto" href={href.concert(concertId)}>{concert.title}</a></p>
          <Title>{format.moment(date.startAt)}</Title>
          <Levers date={date} />
          <LiveFigures date={date} />
          <section class="block layout">
            <House seriesId={seriesId} />
            <div>
              <h2>{words.board.policy}</h2>
              <PolicyEditor key={seriesId} seriesId={seriesId} policy={date.queuePolicy} />
            </div>
          </section>
        </>
      )}
    </Answer>
  );
}

function Levers({ date }: { date: SeriesPartsFragment }) {
  const words = useWords();
  const [pausing, pause] = useMutation(PauseSaleDocument);
  const [resuming, resume] = useMutation(ResumeSaleDocument);
  const [said, setSaid] = useState('');
  const paused = date.status === 'PAUSED';
  const error = pausing.error ?? resuming.error;
  const act = async () => {
    const { data, error: failed } = await (paused ? resume : pause)({ seriesId: date.id });
    if (data != null && failed === undefined) setSaid(paused ? words.board.resumedNow : words.board.pausedNow);
  };
  return (
    <div class="levers row">
      <span class="status" data-status={date.status}>{words.statuses[date.status]}</span>
      {date.status !== 'CLOSED' && (
        <button type="button" class={paused ? '' : 'quiet'} disabled={pausing.fetching || resuming.fetching} onClick={() => void act()}>
          {paused ? words.board.resume : words.board.pause}
        </button>
      )}
      <span role="status">{said}</span>
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void act()} />}
    </div>
  );
}

function LiveFigures({ date }: { date: SeriesPartsFragment }) {
  const words = useWords();
  const [tally, setTally] = useState(empty);
  const [{ data, error }] = useSubscription({ query: StatsDocument, variables: { seriesId: date.id } });
  const stats = data?.saleStats ?? undefined;
  useEffect(() => {
    if (stats !== undefined) setTally((before) => count(before, stats.admitted, serverNow()));
  }, [stats]);
  if (stats === undefined) {
    return error === undefined ? <Loading text={words.loading} /> : <Failure error={error} again={words.again} />;
  }
  return (
    <>
      <Tiles stats={stats} />
      <HouseBar stats={stats} />
      <section class="block">
        <h2>{words.board.admissions}</h2>
        <Chart values={series(tally, serverNow())} />
        <p class="small">{words.board.admissionsHow}</p>
      </section>
    </>
  );
}

function Tiles({ stats }: { stats: Figures }) {
  const format = useFormat();
  const tiles = ['waiting', 'admitted', 'held', 'reserved', 'available'] as const;
  return (
    <dl class="tiles">
      {tiles.map((name) => <Tile key={name} name={name} text={format.number(stats[name])} />)}
      <Tile name="revenue" text={format.points(stats.revenue)} />
    </dl>
  );
}

const inBar: ReadonlySet<string> = new Set(['held', 'reserved', 'available']);

function Tile({ name, text }: { name: 'waiting' | 'admitted' | 'held' | 'reserved' | 'available' | 'revenue'; text: string }) {
  const words = useWords();
  return (
    <div class={name === 'revenue' ? 'tile-wide' : undefined}>
      <dt>{inBar.has(name) && <i data-part={name} aria-hidden="true" />}{words.board[name]}</dt>
      <dd data-figure={name} style={{ '--chars': text.length }}>{text}</dd>
    </div>
  );
}

/** What has become of the seats, as one bar. The tiles above say the same in numbers, with its colours beside them. */
function HouseBar({ stats }: { stats: Figures }) {
  const all = stats.held + stats.reserved + stats.available || 1;
  const part = (name: 'reserved' | 'held') => (
    <i data-part={name} data-some={stats[name] > 0} style={{ width: `${(100 * stats[name]) / all}%` }} />
  );
  return <div class="house-bar" aria-hidden="true">{part('reserved')}{part('held')}</div>;
}

function House({ seriesId }: { seriesId: string }) {
  const words = useWords();
  const format = useFormat();
  const { seats, error, again } = useLiveSeats(useClient(), seriesId);
  return (
    <div>
      <h2>{words.board.house}</h2>
      {seats === null ? (
        error === undefined ? <Loading text={words.loading} /> : <Failure error={error} again={words.again} retry={again} />
      ) : (
        <SeatMap house={seats.house} seats={seats} words={words.seats} points={format.points} legend={<Legend words={words.seats.legend} own={false} />} />
      )}
    </div>
  );
}
