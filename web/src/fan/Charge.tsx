// Charging the wallet.

import { useMutation } from '@urql/preact';
import { useEffect, useState } from 'preact/hooks';
import { ChargeDocument, type ProblemCode } from '../gql/graphql.ts';
import { useIntent } from '../shared/intent.ts';
import { useFormat } from '../shared/language.ts';
import { Failure } from '../shared/ui.tsx';
import { ProblemNotice } from './Problem.tsx';
import { useWords } from './words.ts';

const steps = [10_000, 50_000, 100_000];

/** `suggested`: what the amount starts with, in points. */
export function ChargeForm({ suggested }: { suggested: number }) {
  const words = useWords();
  const format = useFormat();
  const [amount, setAmount] = useState(suggested);
  const [charged, setCharged] = useState<number | null>(null);
  const [problem, setProblem] = useState<ProblemCode | null>(null);
  const [{ fetching, error }, charge] = useMutation(ChargeDocument);
  const intent = useIntent(String(amount));
  useEffect(() => setAmount(suggested), [suggested]);

  const submit = async () => {
    setCharged(null);
    setProblem(null);
    const answer = (await charge({ amount, key: intent.key() })).data?.charge;
    if (answer == null) return;
    intent.settled();
    if (answer.problem !== null) setProblem(answer.problem.code);
    else setCharged(amount);
  };
  return (
    <form
      class="charge"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label class="field">
        <span>{words.checkout.charge}</span>
        <input
          id="charge-amount"
          type="number"
          inputMode="numeric"
          step={1}
          value={amount}
          aria-label={words.checkout.amount}
          onInput={(event) => setAmount(Math.trunc(Number(event.currentTarget.value)) || 0)}
        />
      </label>
      <div class="steps">
        {steps.map((step) => (
          <button key={step} type="button" class="quiet" aria-pressed={amount === step} onClick={() => setAmount(step)}>
            {format.number(step)}
          </button>
        ))}
      </div>
      <button class="quiet" disabled={fetching}>{words.checkout.chargeGo(format.points(amount))}</button>
      <p role="status" class="small">{charged === null ? '' : words.checkout.charged(format.points(charged))}</p>
      {problem !== null && <ProblemNotice code={problem} />}
      {error !== undefined && <Failure error={error} again={words.again} retry={() => void submit()} />}
    </form>
  );
}
