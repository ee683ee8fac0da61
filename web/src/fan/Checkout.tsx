// Checkout: what is held, for how much longer, and paying for it.

import { useClient, useMutation, useQuery } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import {
  BalanceDocument, type HoldPartsFragment, PayDocument, type ProblemCode, ReleaseHoldDocument, TokenDocument,
} from '../gql/graphql.ts';
import { Answer } from '../shared/answer.tsx';
import { useIntent } from '../shared/intent.ts';
import { useFormat } from '../shared/language.ts';
import { Failure, Loading, Say, Title } from '../shared/ui.tsx';
import { ChargeForm } from './Charge.tsx';
import type { Step } from './DatePage.tsx';
import { nothing } from './held.ts';
import { Lapsed } from './Lapsed.tsx';
import { setMemory } from './memory.ts';
import { ProblemNotice } from './Problem.tsx';
import { href } from './route.ts';
import { useHolds } from './useHolds.ts';
import { useWords } from './words.ts';

export function Checkout({ concert, date, place }: Step) {
  const words = useWords();
  const { asked, holds = [], left, lapsed, settled } = useHolds(date.id);
  const [paid, setPaid] = useState(false);
  const at = { concertId: concert.id, seriesId: date.id };

  if (paid) return <Loading text={words.loading} />;
  if (holds.length === 0 && !settled && lapsed === 0) {
    return <Answer of={asked} pick={() => null} words={words} missing={<Loading text={words.loading} />}>{() => null}</Answer>;
  }
  if (holds.length === 0) {
    return (
      <section class="over" data-over="LAPSED">
        <Title>{lapsed > 0 ? words.checkout.wentBack : words.checkout.title}</Title>
        <p class="lead" role="alert">{lapsed > 0 ? words.checkout.lapsed(lapsed) : words.checkout.nothing}</p>
        <a class="button big" href={href.date(concert.id, date.id)}>{words.checkout.chooseAgain}</a>
      </section>
    );
  }
  const onPaid = () => {
    setMemory(date.id, nothing);
    setPaid(true);
  };
  return (
    <div class="split checkout">
      <section>
        <Title>{words.checkout.title}</Title>
        <Lapsed seriesId={date.id} count={lapsed} />
        <Countdown left={left} />
        <Held holds={holds} />
        <a class="button text" href={href.date(concert.id, date.id)}>{words.checkout.back}</a>
      </section>
      <PayBox holds={holds} at={at} tokenId={place.tokenId} onPaid={onPaid} />
    </div>
  );
}

/** Said aloud at the full minutes and near the end; seen all the time. */
function Countdown({ left }: { left: number }) {
  const words = useWords();
  const format = useFormat();
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (left > 0 && (left % 60 === 0 || left === 30 || left === 10)) setSaid(words.checkout.spoken(format.clock(left)));
  }, [left]);
  return (
    <div class="countdown" data-hurry={left <= 60}>
      <p class="place-label" id="countdown-label">{words.checkout.left}</p>
      <p class="countdown-clock" role="timer" aria-labelledby="countdown-label">{format.clock(left)}</p>
      <Say text={said} />
    </div>
  );
}

function Held({ holds }: { holds: HoldPartsFragment[] }) {
  const words = useWords();
  const format = useFormat();
  const [{ fetching }, release] = useMutation(ReleaseHoldDocument);
  return (
    <ul class="held">
      {holds.map(({ id, seat }) => {
        const name = words.seats.seat(seat.section, seat.row, seat.col);
        return (
          <li key={id}>
            <span><b dir="auto">{seat.section}</b><br />{words.seats.short(seat.row, seat.col)}</span>
            <span class="number">{format.points(seat.price)}</span>
            <button type="button" class="text" disabled={fetching} aria-label={words.checkout.release(name)} onClick={() => void release({ holdId: id })}>
              {words.checkout.giveBack}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

interface PayBoxProps {
  holds: HoldPartsFragment[];
  at: { concertId: string; seriesId: string };
  tokenId: string;
  onPaid(): void;
}

function PayBox({ holds, at, tokenId, onPaid }: PayBoxProps) {
  const words = useWords();
  const format = useFormat();
  const client = useClient();
  const holdIds = holds.map((hold) => hold.id).sort();
  const total = holds.reduce((sum, hold) => sum + hold.seat.price, 0);
  const [{ data }] = useQuery({ query: BalanceDocument, requestPolicy: 'cache-and-network' });
  const balance = data?.points?.balance;
  const [{ fetching, error }, pay] = useMutation(PayDocument);
  const [problem, setProblem] = useState<ProblemCode | null>(null);
  const intent = useIntent(holdIds.join());
  const missing = balance === undefined ? 0 : Math.max(0, total - balance);

  const submit = async () => {
    setProblem(null);
    const answer = (await pay({ holdIds, key: intent.key() })).data?.pay;
    if (answer == null) return;
    intent.settled();
    if (answer.problem !== null) {
      setProblem(answer.problem.code);
      return;
    }
    onPaid();
    // The stream says so too, but may be down just now.
    void client.query(TokenDocument, { id: tokenId }, { requestPolicy: 'network-only' }).toPromise();
  };
  return (
    <section class="pay-box">
      <dl class="sums">
        <div><dt>{words.checkout.total}</dt><dd>{format.points(total)}</dd></div>
        <div><dt>{words.checkout.balance}</dt><dd>{balance === undefined ? '…' : format.points(balance)}</dd></div>
        {missing === 0 && balance !== undefined && (
          <div><dt>{words.checkout.after}</dt><dd>{format.points(balance - total)}</dd></div>
        )}
      </dl>
      {missing > 0 && <p class="notice" role="status">{words.checkout.short(format.points(missing))}</p>}
      {(missing > 0 || problem === 'INSUFFICIENT_POINTS') && <ChargeForm suggested={missing || total} />}
      {problem !== null && <ProblemNotice code={problem} at={at} />}
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void submit()} />}
      <button type="button" class="big" disabled={fetching} onClick={() => void submit()}>
        {fetching ? words.checkout.paying : words.checkout.pay(format.points(total))}
      </button>
    </section>
  );
}
