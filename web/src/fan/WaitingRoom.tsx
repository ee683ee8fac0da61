// The waiting room: the place as a large live number, and all that makes waiting bearable.

import { useMutation } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import { LeaveQueueDocument } from '../gql/graphql.ts';
import { useSecondsLeft } from '../shared/clock.ts';
import { useFormat } from '../shared/language.ts';
import { Say, Title } from '../shared/ui.tsx';
import type { Step } from './DatePage.tsx';
import { Draw } from './Draw.tsx';
import { oddsOf, progressOf, spokenAt } from './place.ts';
import { useWords } from './words.ts';

export function WaitingRoom(step: Step) {
  const { date, position } = step;
  const words = useWords();
  return (
    <div class="waiting">
      {position.seriesStatus === 'PAUSED' && <p class="notice" role="status">{words.place.paused}</p>}
      {position.position === null ? <Lobby {...step} /> : <Line {...step} number={position.position} />}
      <Leave tokenId={step.place.tokenId} />
      <Draw concertId={step.concert.id} date={date} drawn={position.position !== null} />
    </div>
  );
}

function Lobby({ date, position }: Step) {
  const words = useWords();
  const format = useFormat();
  const left = useSecondsLeft(date.reserveStartAt);
  return (
    <>
      <Title>{words.place.lobby}</Title>
      <p class="place-label">{left > 0 ? words.place.opensIn : words.place.drawing}</p>
      <p class="place-number" data-clock role="timer">{left > 0 ? format.clock(left) : '···'}</p>
      <p class="place-sides"><span>{words.place.waitingHere(format.number(position.waiting))}</span></p>
      <p class="lead">{words.place.lobbyLead}</p>
    </>
  );
}

function Line({ date, place, position, number }: Step & { number: number }) {
  const words = useWords();
  const format = useFormat();
  const ahead = number - 1;
  const behind = Math.max(0, position.waiting - number);
  const odds = oddsOf(ahead, position.availableSeats, date.queuePolicy.maxSeatsPerUser);
  useTabTitle(words.place.tab(format.number(number)));
  return (
    <>
      <Title>{words.place.title}</Title>
      <p class="place-number" data-digits={String(number).length} aria-hidden="true"><span>{format.number(number)}</span></p>
      <SpokenPlace number={number} />
      <Progress share={progressOf(place.from, number)} />
      <p class="place-sides">
        <span><b>{format.number(ahead)}</b> {words.place.ahead}</span>
        <span><b>{format.number(behind)}</b> {words.place.behind}</span>
      </p>
      <dl class="facts">
        {position.estimate !== null && (
          <div>
            <dt>{words.place.estimate}</dt>
            <dd>{format.wait(position.estimate.minSeconds, position.estimate.maxSeconds)}</dd>
          </div>
        )}
        <div>
          <dt>{words.place.seatsLeft}</dt>
          <dd>{format.number(position.availableSeats)}</dd>
        </div>
        <div class="facts-wide" data-odds={odds}>
          <dt>{words.place.oddsTitle}</dt>
          <dd>{words.place.odds[odds]}</dd>
        </div>
        <div class="facts-wide">
          <dt>{words.place.next}</dt>
          <dd>{ahead <= 5 ? words.place.nextSoon : words.place.nextLine}</dd>
        </div>
      </dl>
    </>
  );
}

/** The number in the tab's title, so that it is seen from another tab too. */
function useTabTitle(title: string): void {
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = 'Frontrow';
    };
  }, [title]);
}

/** A live region that follows the place without saying every single step of a long line. */
function SpokenPlace({ number }: { number: number }) {
  const words = useWords();
  const format = useFormat();
  const [said, setSaid] = useState(number);
  useEffect(() => {
    if (spokenAt(said, number)) setSaid(number);
  }, [number, said]);
  return <Say text={words.place.spoken(format.number(said), format.number(said - 1))} />;
}

function Progress({ share }: { share: number }) {
  const words = useWords();
  const percent = Math.round(share * 100);
  return (
    <div
      class="queue-bar"
      role="progressbar"
      aria-label={words.place.progress}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      style={{ '--share': share }}
    >
      <i class="queue-done" />
      <i class="queue-you" />
    </div>
  );
}

function Leave({ tokenId }: { tokenId: string }) {
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const [{ fetching }, leave] = useMutation(LeaveQueueDocument);
  if (!asking) {
    return <button type="button" class="text" onClick={() => setAsking(true)}>{words.place.leave}</button>;
  }
  return (
    <div class="ask" role="group" aria-label={words.place.leaveSure}>
      <p>{words.place.leaveSure}</p>
      <button type="button" class="quiet" disabled={fetching} onClick={() => void leave({ tokenId })}>{words.place.leaveYes}</button>
      <button type="button" autofocus onClick={() => setAsking(false)}>{words.place.leaveNo}</button>
    </div>
  );
}
