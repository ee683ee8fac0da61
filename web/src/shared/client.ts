// One GraphQL client for each identity: queries and mutations by HTTP, subscriptions by WebSocket, one cache.
//
// A socket says who it is once, when it opens, so another token needs another client. `clientFor` keeps them.

import { Client, fetchExchange, mapExchange, subscriptionExchange } from '@urql/preact';
import { createClient as createSocket } from 'graphql-ws';
import { makeCache } from './cache.ts';
import { errorCode } from './errors.ts';
import { learnServerTime } from './clock.ts';
import { makePulse } from './pulse.ts';
import { store, type Store } from './store.ts';

/** `idle` until something is watched; `lost` from the first failure until the next connection. */
export type Link = 'idle' | 'live' | 'lost' | 'refused';

export interface Session {
  client: Client;
  link: Store<Link>;
  /** Asks the line more often, while somebody has to know at once when it is gone. */
  watch(closely: boolean): void;
}

const httpUrl = new URL('/graphql', location.href).href;
const wsUrl = httpUrl.replace(/^http/, 'ws');

/** In the context of a subscription: the variables that are others each time that it is begun anew. */
export type Renewed = () => Record<string, unknown>;

/** The token was refused: trying again with the same one cannot help. */
const REFUSED = new Set([4401, 4403]);

function retryPause(retries: number): Promise<void> {
  const longest = Math.min(5_000, 250 * 2 ** retries);
  const pause = longest / 2 + (Math.random() * longest) / 2;
  return new Promise((resolve) => {
    const timer = setTimeout(done, pause);
    function done() {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      resolve();
    }
    window.addEventListener('online', done);
  });
}

function makeSocket(token: string | null, link: Store<Link>) {
  let socket: WebSocket | undefined;
  const pulse = makePulse({
    ask: () => socket?.readyState === WebSocket.OPEN && socket.send('{"type":"ping"}'),
    hangUp: () => made.terminate(),
    tell: (state) => link.get() !== 'refused' && link.set(state),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    now: () => performance.now(),
    online: () => navigator.onLine,
  });
  const made = createSocket({
    url: wsUrl,
    connectionParams: token === null ? {} : { authorization: `Bearer ${token}` },
    // The pulse asks instead, at its own pace.
    keepAlive: 0,
    retryAttempts: Infinity,
    retryWait: retryPause,
    shouldRetry: (event) => !REFUSED.has((event as Partial<CloseEvent>).code ?? 0),
    on: {
      connecting: () => pulse.opening(),
      opened: (opened) => (socket = opened as WebSocket),
      connected: () => {
        if (link.get() === 'refused') link.set('idle');
        pulse.connected();
      },
      message: () => pulse.heard(),
      closed: (event) => {
        pulse.closed();
        const { code, wasClean } = event as CloseEvent;
        if (REFUSED.has(code)) link.set('refused');
        else link.set(wasClean && code === 1000 ? 'idle' : 'lost');
      },
    },
  });
  window.addEventListener('offline', () => link.get() !== 'idle' && pulse.offline());
  window.addEventListener('online', () => pulse.wake());
  document.addEventListener('visibilitychange', () => !document.hidden && pulse.wake());
  return { socket: made, watch: pulse.watch };
}

/** Who has not begun to answer by then is not waited for: the fan is told and can try again. */
const ANSWER_MS = 30_000;

async function timedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const stop = new AbortController();
  init?.signal?.addEventListener('abort', () => stop.abort());
  const late = setTimeout(() => stop.abort(new Error('no answer')), ANSWER_MS);
  try {
    const response = await fetch(input, { ...init, signal: stop.signal });
    learnServerTime(response.headers.get('date'), Date.now());
    return response;
  } finally {
    clearTimeout(late);
  }
}

function makeSession(token: string | null): Session {
  const link = store<Link>('idle');
  const { socket, watch } = makeSocket(token, link);
  const client = new Client({
    url: httpUrl,
    preferGetMethod: false,
    fetch: timedFetch,
    fetchOptions: token === null ? {} : { headers: { authorization: `Bearer ${token}` } },
    exchanges: [
      makeCache(),
      mapExchange({
        onError: (error) => {
          if (token !== null && errorCode(error) === 'UNAUTHENTICATED') link.set('refused');
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }, { context }) => {
          const renewed = context['renewed'] as Renewed | undefined;
          const asked = {
            query: query ?? '',
            // Read again whenever the socket has been lost and is open again.
            get variables() {
              return { ...variables, ...renewed?.() };
            },
          };
          return { subscribe: (sink) => ({ unsubscribe: socket.subscribe(asked, sink) }) };
        },
      }),
    ],
  });
  return { client, link, watch };
}

const sessions = new Map<string, Session>();

/** The client of that token, or of nobody in particular. */
export function sessionFor(token: string | null): Session {
  const known = sessions.get(token ?? '');
  if (known !== undefined) return known;
  const made = makeSession(token);
  sessions.set(token ?? '', made);
  return made;
}
