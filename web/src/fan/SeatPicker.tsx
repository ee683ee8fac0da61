// Choosing seats: on the map, or the best ones that are left. Nothing is held before the fan says so.

import { useClient, useMutation } from '@urql/preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { HoldSeatsDocument, type ProblemCode } from '../gql/graphql.ts';
import { useSecondsLeft } from '../shared/clock.ts';
import { useFormat } from '../shared/language.ts';
import { type LiveSeats, useLiveSeats } from '../shared/seatmap/live.ts';
import { Legend, Sections } from '../shared/seatmap/Sections.tsx';
import { type Focus, SeatMap } from '../shared/seatmap/SeatMap.tsx';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import { BestSeats } from './BestSeats.tsx';
import type { Step } from './DatePage.tsx';
import { Lapsed } from './Lapsed.tsx';
import { ProblemNotice } from './Problem.tsx';
import { go, href } from './route.ts';
import { Tray } from './Tray.tsx';
import { useHolds } from './useHolds.ts';
import { type Selection, useSelection } from './useSelection.ts';
import { useWords } from './words.ts';

export function SeatPicker(step: Step) {
  const words = useWords();
  const { seats, error, again } = useLiveSeats(useClient(), step.date.id);
  useEffect(() => {
    document.title = words.place.tabTurn;
  }, [words]);
  if (seats !== null) return <Picker {...step} seats={seats} />;
  return error === undefined ? <Loading text={words.loading} /> : <Failure error={error} again={words.again} retry={again} />;
}

function useHolding(step: Step, selection: Selection, onFound: (seats: readonly number[]) => void) {
  const [{ fetching, error }, holdSeats] = useMutation(HoldSeatsDocument);
  const [problem, setProblem] = useState<ProblemCode | null>(null);
  const hold = async (numbers: number[]) => {
    setProblem(null);
    selection.holding.current = true;
    const answer = (await holdSeats({ seriesId: step.date.id, numbers })).data?.holdSeats;
    selection.holding.current = false;
    if (answer == null) return;
    setProblem(answer.problem?.code ?? null);
    if (answer.problem === null) {
      selection.clear();
      go(href.pay(step.concert.id, step.date.id));
    } else if ('seats' in answer.problem) {
      const others = selection.drop(answer.problem.seats.map((seat) => seat.number));
      if (others !== null) onFound(others);
    }
  };
  return { busy: fetching, error, problem, hold };
}

function Picker({ seats, ...step }: Step & { seats: LiveSeats }) {
  const { concert, date, position } = step;
  const words = useWords();
  const format = useFormat();
  const { holds = [], left, lapsed } = useHolds(date.id);
  const max = date.queuePolicy.maxSeatsPerUser;
  const selection = useSelection(seats, Math.max(0, max - holds.length));
  const [focus, setFocus] = useState<Focus | null>(null);
  const showSeats = (found: readonly number[]) => setFocus({ seats: found });
  const holding = useHolding(step, selection, showSeats);
  const mine = useMemo(() => {
    const held = new Set(holds.map((hold) => hold.seat.number));
    return new Set(seats.house.spots.flatMap((spot, index) => (held.has(spot.number) ? [index] : [])));
  }, [seats, holds.map((hold) => hold.id).join()]);

  return (
    <div class="picker">
      <div class="picker-head">
        <Title>{words.seats.title}</Title>
        <p class="small">{words.seats.limit(max)}</p>
        <Times until={position.admittedUntil} holdEnds={holds.length > 0 ? left : null} />
      </div>
      <Lapsed seriesId={date.id} count={lapsed} />
      {position.seriesStatus === 'PAUSED' && <ProblemNotice code="SALE_PAUSED" />}
      <div class="picker-body">
        <SeatMap
          house={seats.house}
          seats={seats}
          chosen={selection.chosen}
          mine={mine}
          onToggle={selection.toggle}
          words={words.seats}
          points={format.points}
          focus={focus}
          legend={<Legend words={words.seats.legend} own />}
        />
        <div class="picker-side">
          <BestSeats
            seats={seats}
            left={selection.left}
            busy={holding.busy}
            onFind={(search) => {
              const found = selection.find(search);
              if (found !== null) showSeats(found);
            }}
          />
          <Sections seats={seats} words={words.seats} onShow={(block) => setFocus({ block })} />
        </div>
      </div>
      <div class="tray" data-filled={selection.chosen.size > 0}>
        {holding.problem !== null && <ProblemNotice code={holding.problem} at={{ concertId: concert.id, seriesId: date.id }} />}
        {holding.error !== undefined && <Failure error={holding.error} again={words.again} />}
        <Tray seats={seats} selection={selection} max={max} busy={holding.busy} onHold={holding.hold} />
        {holds.length > 0 && selection.chosen.size === 0 && (
          <a class="button big" href={href.pay(concert.id, date.id)}>
            {words.seats.toCheckout}<span class="unseen">: {words.seats.held(holds.length)}</span>
          </a>
        )}
      </div>
    </div>
  );
}

/** Once seats are held what counts is until when they are: that time comes first, whichever window they were held in. */
function Times({ until, holdEnds }: { until: string | null; holdEnds: number | null }) {
  const words = useWords();
  const left = useSecondsLeft(until);
  return (
    <div class="times">
      {holdEnds !== null && <TimeLeft label={words.checkout.left} seconds={holdEnds} />}
      {until !== null && (holdEnds === null || left > 0) && <TimeLeft label={words.seats.timeLeft} seconds={left} quiet={holdEnds !== null} />}
    </div>
  );
}

function TimeLeft({ label, seconds, quiet = false }: { label: string; seconds: number; quiet?: boolean }) {
  const format = useFormat();
  return (
    <p class="time-left" data-hurry={seconds <= 60} data-quiet={quiet}>
      <span>{label}</span> <b role="timer" aria-label={label}>{format.clock(seconds)}</b>
    </p>
  );
}
