// One GraphQL client for each identity: queries and mutations by HTTP, subscriptions by WebSocket, one cache.
//
// A socket says who it is once, when it opens, so another token needs another client. `clientFor` keeps them.

import { Client, fetchExchange, subscriptionExchange } from '@urql/preact';
import { createClient as createSocket } from 'graphql-ws';
import { makeCache } from './cache.ts';
import { learnServerTime } from './clock.ts';
import { store, type Store } from './store.ts';

/** `idle` until something is watched; `lost` from the first failure until the next connection. */
export type Link = 'idle' | 'live' | 'lost' | 'refused';

export interface Session {
  client: Client;
  link: Store<Link>;
}

const httpUrl = new URL('/graphql', location.href).href;
const wsUrl = httpUrl.replace(/^http/, 'ws');

/** A ping this often, and this long for its answer: a dead line is noticed in 15 seconds at the most. */
const PING_MS = 10_000;
const PONG_MS = 5_000;
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
  let pongDue: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | undefined;
  return createSocket({
    url: wsUrl,
    connectionParams: token === null ? {} : { authorization: `Bearer ${token}` },
    keepAlive: PING_MS,
    retryAttempts: Infinity,
    retryWait: retryPause,
    shouldRetry: (event) => !REFUSED.has((event as CloseEvent).code),
    on: {
      connected: (opened) => {
        socket = opened as WebSocket;
        link.set('live');
      },
      ping: (received) => {
        if (!received) pongDue = setTimeout(() => socket?.close(4408, 'no answer to a ping'), PONG_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pongDue);
      },
      closed: (event) => {
        clearTimeout(pongDue);
        const { code, wasClean } = event as CloseEvent;
        if (REFUSED.has(code)) link.set('refused');
        else link.set(wasClean && code === 1000 ? 'idle' : 'lost');
      },
    },
  });
}

async function timedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  learnServerTime(response.headers.get('date'), Date.now());
  return response;
}

function makeSession(token: string | null): Session {
  const link = store<Link>('idle');
  const socket = makeSocket(token, link);
  const client = new Client({
    url: httpUrl,
    preferGetMethod: false,
    fetch: timedFetch,
    fetchOptions: token === null ? {} : { headers: { authorization: `Bearer ${token}` } },
    exchanges: [
      makeCache(),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: query ?? '', variables: variables ?? {} }, sink),
          }),
        }),
      }),
    ],
  });
  return { client, link };
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
