// Before the line: what the house looks like right now, and the way in.

import { useClient } from '@urql/preact';
import { useState } from 'preact/hooks';
import { useFormat } from '../shared/language.ts';
import { useLiveSeats } from '../shared/seatmap/live.ts';
import { Legend, Sections } from '../shared/seatmap/Sections.tsx';
import { SeatMap } from '../shared/seatmap/SeatMap.tsx';
import { Failure, Title } from '../shared/ui.tsx';
import type { ConcertData, DateData } from './Concert.tsx';
import { setUserName, userName } from './identity.ts';
import { ProblemNotice } from './Problem.tsx';
import { href } from './route.ts';
import { useJoin } from './useJoin.ts';
import { useWords } from './words.ts';

function JoinForm({ concertId, date }: { concertId: string; date: DateData }) {
  const words = useWords();
  const { busy, error, problem, join } = useJoin(concertId, date.id);
  const [name, setName] = useState(userName);
  return (
    <form
      class="join"
      onSubmit={(event) => {
        event.preventDefault();
        setUserName(name.trim());
        void join();
      }}
    >
      <p class="lead">{date.status === 'UPCOMING' ? words.join.upcoming : words.join.onSale}</p>
      <label class="field">
        <span>{words.join.name}</span>
        <input dir="auto" value={name} maxLength={80} autocomplete="name" onInput={(event) => setName(event.currentTarget.value)} />
        <small>{words.join.nameHint}</small>
      </label>
      <button class="big" disabled={busy}>{words.join.go}</button>
      <p class="small">{words.join.per(date.queuePolicy.maxSeatsPerUser)}</p>
      {problem !== null && <ProblemNotice code={problem} at={{ concertId, seriesId: date.id }} />}
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void join()} />}
    </form>
  );
}

export function Join({ concert, date }: { concert: ConcertData; date: DateData }) {
  const words = useWords();
  const format = useFormat();
  const { seats, error, again } = useLiveSeats(useClient(), date.id);
  const [focus, setFocus] = useState<{ block: number } | null>(null);
  const over = date.status === 'CLOSED' ? words.join.closed : date.status === 'SOLD_OUT' ? words.join.soldOut : null;
  return (
    <div class="split">
      <section>
        <Title>{over === null ? words.join.title : words.statuses[date.status]}</Title>
        {over === null ? (
          <JoinForm concertId={concert.id} date={date} />
        ) : (
          <>
            <p class="lead">{over}</p>
            <a class="button" href={href.concert(concert.id)}>{words.join.other}</a>
          </>
        )}
      </section>
      <section aria-label={words.join.seats} class="look">
        <h2>{words.join.seats}</h2>
        {seats === null && error !== undefined && <Failure error={error} again={words.again} retry={again} />}
        {seats !== null && (
          <>
            <SeatMap house={seats.house} seats={seats} words={words.seats} points={format.points} focus={focus} legend={<Legend words={words.seats.legend} own={false} />} />
            <Sections seats={seats} words={words.seats} onShow={(block) => setFocus({ block })} />
          </>
        )}
      </section>
    </div>
  );
}
