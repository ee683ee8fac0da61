// Idempotency keys: one for each thing that the user means to do.
//
// A try that got no answer may have worked, so the next try says the same key and cannot act twice. An answer, good or
// bad, ends the intent.

import { useRef } from 'preact/hooks';

export interface Intent {
  key(): string;
  settled(): void;
}

export function makeIntent(): Intent {
  let current: string | null = null;
  return {
    key: () => (current ??= crypto.randomUUID()),
    settled: () => {
      current = null;
    },
  };
}

/** An intent that starts anew whenever what is meant (`about`: the amount, the holds) is something else. */
export function useIntent(about: string): Intent {
  const kept = useRef<{ about: string; intent: Intent } | null>(null);
  if (kept.current?.about !== about) kept.current = { about, intent: makeIntent() };
  return kept.current.intent;
}
