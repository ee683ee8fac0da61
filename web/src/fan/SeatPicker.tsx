// Choosing seats: on the map, or the best ones at once.

import { type OperationResult, useClient, useMutation } from '@urql/preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { HoldBestSeatsDocument, HoldSeatsDocument, type HoldSeatsMutation, type ProblemCode } from '../gql/graphql.ts';
import { useSecondsLeft } from '../shared/clock.ts';
import { useFormat } from '../shared/language.ts';
import { FREE, type LiveSeats, useChanges, useLiveSeats } from '../shared/seatmap/live.ts';
import { Legend, Sections } from '../shared/seatmap/Sections.tsx';
import { SeatMap } from '../shared/seatmap/SeatMap.tsx';
import { Failure, Loading, Title } from '../shared/ui.tsx';
import { useHolds } from './Checkout.tsx';
import type { Step } from './DatePage.tsx';
import { ProblemNotice } from './Problem.tsx';
import { go, href } from './route.ts';
import { useWords } from './words.ts';

export function SeatPicker(step: Step) {
  const words = useWords();
  const { seats, error } = useLiveSeats(useClient(), step.date.id);
  useEffect(() => {
    document.title = words.place.tabTurn;
  }, [words]);
  if (error !== undefined) return <Failure error={error} again={words.again} />;
  return seats === null ? <Loading text={words.loading} /> : <Picker {...step} seats={seats} />;
}

type Answer = Pick<HoldSeatsMutation['holdSeats'], 'problem'>;
type Selection = ReturnType<typeof useSelection>;

/** The seats picked on the map. One that goes to somebody else leaves the selection by itself and is named. */
function useSelection(seats: LiveSeats, room: number) {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [gone, setGone] = useState<number | null>(null);
  const [full, setFull] = useState(false);
  const turn = useChanges(seats);
  useEffect(() => {
    const lost = [...chosen].filter((index) => seats.known && seats.statuses[index] !== FREE);
    if (lost.length === 0) return;
    setGone(lost[0] ?? null);
    setChosen(new Set([...chosen].filter((index) => !lost.includes(index))));
  }, [turn, chosen]);
  const toggle = (index: number) => {
    const next = new Set(chosen);
    setGone(null);
    setFull(false);
    if (next.delete(index)) setChosen(next);
    else if (seats.statuses[index] !== FREE) return;
    else if (next.size >= room) setFull(true);
    else setChosen(next.add(index));
  };
  const drop = (ids: readonly string[]) =>
    setChosen(new Set([...chosen].filter((index) => !ids.includes(seats.house.spots[index]?.id ?? ''))));
  return { chosen, gone, full, toggle, drop, clear: () => setChosen(new Set()) };
}

function useHolding(step: Step, selection: Selection) {
  const [one, holdThese] = useMutation(HoldSeatsDocument);
  const [best, holdBest] = useMutation(HoldBestSeatsDocument);
  const [problem, setProblem] = useState<ProblemCode | null>(null);
  const settle = (answer: Answer | undefined) => {
    if (answer === undefined) return;
    setProblem(answer.problem?.code ?? null);
    if (answer.problem === null) {
      selection.clear();
      go(href.pay(step.concert.id, step.date.id));
    } else if ('seats' in answer.problem) selection.drop(answer.problem.seats.map((seat) => seat.id));
  };
  const run = async <T,>(mutation: Promise<OperationResult<T>>, pick: (data: T) => Answer) => {
    setProblem(null);
    const { data } = await mutation;
    settle(data === undefined ? undefined : pick(data));
  };
  return {
    busy: one.fetching || best.fetching,
    error: one.error ?? best.error,
    problem,
    these: (seatIds: string[]) => run(holdThese({ seatIds }), (data) => data.holdSeats),
    best: (count: number, section: string | null) => run(holdBest({ count, section }), (data) => data.holdBestSeats),
  };
}

function Picker({ seats, ...step }: Step & { seats: LiveSeats }) {
  const { concert, date, position } = step;
  const words = useWords();
  const format = useFormat();
  const { holds = [] } = useHolds(date.id);
  const max = date.queuePolicy.maxSeatsPerUser;
  const room = Math.max(0, max - holds.length);
  const selection = useSelection(seats, room);
  const holding = useHolding(step, selection);
  const [focus, setFocus] = useState<{ block: number } | null>(null);
  const mine = useMemo(() => {
    const held = new Set(holds.map((hold) => hold.seat.number));
    return new Set(seats.house.spots.flatMap((spot, index) => (held.has(spot.number) ? [index] : [])));
  }, [seats, holds.map((hold) => hold.id).join()]);

  return (
    <div class="picker">
      <div class="picker-head">
        <Title>{words.seats.title}</Title>
        <p class="small">{words.seats.limit(max)}</p>
        <TimeToChoose until={position.admittedUntil} />
      </div>
      {position.seriesStatus === 'PAUSED' && <ProblemNotice code="SALE_PAUSED" />}
      <div class="picker-body">
        <div>
          <SeatMap house={seats.house} seats={seats} chosen={selection.chosen} mine={mine} onToggle={selection.toggle} words={words.seats} points={format.points} focus={focus} />
          <Legend words={words.seats.legend} own />
        </div>
        <div class="picker-side">
          <BestSeats seats={seats} room={room} busy={holding.busy} onFind={holding.best} />
          <Sections seats={seats} words={words.seats} onShow={(block) => setFocus({ block })} />
        </div>
      </div>
      <div class="tray" data-filled={selection.chosen.size > 0}>
        {holding.problem !== null && <ProblemNotice code={holding.problem} at={{ concertId: concert.id, seriesId: date.id }} />}
        {holding.error !== undefined && <Failure error={holding.error} again={words.again} />}
        <Tray seats={seats} selection={selection} max={max} busy={holding.busy} onHold={holding.these} />
        {holds.length > 0 && selection.chosen.size === 0 && (
          <a class="button big" href={href.pay(concert.id, date.id)}>
            {words.seats.toCheckout}<span class="unseen">: {words.seats.held(holds.length)}</span>
          </a>
        )}
      </div>
    </div>
  );
}

function TimeToChoose({ until }: { until: string | null }) {
  const words = useWords();
  const format = useFormat();
  const left = useSecondsLeft(until);
  if (until === null) return null;
  return (
    <p class="time-left" data-hurry={left <= 60}>
      <span>{words.seats.timeLeft}</span> <b role="timer" aria-label={words.seats.timeLeft}>{format.clock(left)}</b>
    </p>
  );
}

interface BestProps {
  seats: LiveSeats;
  room: number;
  busy: boolean;
  onFind(count: number, section: string | null): Promise<void>;
}

function BestSeats({ seats, room, busy, onFind }: BestProps) {
  const words = useWords();
  const [count, setCount] = useState(Math.min(2, room));
  const [section, setSection] = useState('');
  const most = Math.min(room, 10);
  return (
    <form
      class="best"
      onSubmit={(event) => {
        event.preventDefault();
        void onFind(Math.max(1, Math.min(count, most)), section || null);
      }}
    >
      <label class="field">
        <span>{words.seats.bestHow}</span>
        <select value={String(Math.min(count, most))} onChange={(event) => setCount(Number(event.currentTarget.value))}>
          {Array.from({ length: most }, (_, i) => <option key={i} value={String(i + 1)}>{i + 1}</option>)}
        </select>
      </label>
      {seats.house.blocks.length > 1 && (
        <label class="field">
          <span>{words.seats.bestWhere}</span>
          <select value={section} onChange={(event) => setSection(event.currentTarget.value)}>
            <option value="">{words.seats.anywhere}</option>
            {seats.house.blocks.map(({ name }) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
      )}
      <button class="quiet" disabled={busy || most === 0}>{words.seats.best}</button>
    </form>
  );
}

interface TrayProps {
  seats: LiveSeats;
  selection: Selection;
  max: number;
  busy: boolean;
  onHold(seatIds: string[]): Promise<void>;
}

function Tray({ seats, selection, max, busy, onHold }: TrayProps) {
  const words = useWords();
  const format = useFormat();
  const { chosen, gone, full, toggle } = selection;
  const name = (index: number) => {
    const spot = seats.house.spots[index];
    return spot === undefined ? '' : words.seats.seat(spot.section, spot.row, spot.col);
  };
  const spots = [...chosen].flatMap((index) => seats.house.spots[index] ?? []);
  const total = spots.reduce((sum, spot) => sum + spot.price, 0);
  const said = gone !== null ? words.seats.gone(name(gone)) : full ? words.seats.full(max) : '';
  return (
    <>
      <p class="tray-said" role="status">{said}</p>
      {chosen.size === 0 && <p class="tray-hint">{words.seats.nothing}</p>}
      {chosen.size > 0 && (
        <div class="tray-row">
          <ul class="chips" aria-label={words.seats.selection(chosen.size)}>
            {[...chosen].map((index) => (
              <li key={index}>
                <button type="button" class="chip" aria-label={words.seats.remove(name(index))} onClick={() => toggle(index)}>
                  {name(index)} <span aria-hidden="true">×</span>
                </button>
              </li>
            ))}
          </ul>
          <button type="button" class="big" disabled={busy} onClick={() => void onHold(spots.map((spot) => spot.id))}>
            {busy ? words.seats.holding : words.seats.hold(chosen.size)} · {format.points(total)}
          </button>
        </div>
      )}
    </>
  );
}
