// What to show of a query: what it answered, or why there is nothing. One place, so that no page waits for ever for an
// answer that came without data, and none stays empty.

import type { UseQueryResponse } from '@urql/preact';
import type { ComponentChildren } from 'preact';
import { errorCode } from './errors.ts';
import { Failure, Loading } from './ui.tsx';

interface Props<Data, Value> {
  // The variables do not matter here, and have no type in common.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  of: UseQueryResponse<Data, any>;
  /** What is looked for in the data. A server that fails in part answers null for it, or for all. */
  pick(data: Data): Value | null | undefined;
  words: { loading: string; again: string };
  /** Shown where the answer is that there is no such thing. */
  missing: ComponentChildren;
  children(value: Value): ComponentChildren;
}

/** Asked for something that is not there: asking again would not help. */
const NOWHERE = new Set(['NOT_FOUND', 'BAD_USER_INPUT', 'SERIES_NOT_CREATED']);

export function Answer<Data, Value>({ of: [{ data, error, fetching, stale }, again], pick, words, missing, children }: Props<Data, Value>) {
  const value = data == null ? null : pick(data);
  if (value != null) return <>{children(value)}</>;
  if (fetching || (stale && error === undefined)) return <Loading text={words.loading} />;
  if (error !== undefined && !NOWHERE.has(errorCode(error))) {
    return <Failure error={error} again={words.again} retry={() => again({ requestPolicy: 'network-only' })} />;
  }
  return <>{missing}</>;
}
