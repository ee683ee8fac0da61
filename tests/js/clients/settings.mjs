// What a script is told of the server that it talks to, and what all of them need.
import { createHash } from 'node:crypto';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

if (!process.argv[2]) {
  console.error('usage: node <script> <settings in JSON>');
  process.exit(2);
}

/** url, persisted (whether documents may be named by their hashes), concert, series, fan, organizer and forged (tokens). */
export const settings = JSON.parse(process.argv[2]);

export const sha256 = (text) => createHash('sha256').update(text).digest('hex');

export const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {});

/** A fetch that remembers what it was asked: the method, whether the document was sent, and the status. */
export function watched() {
  const asked = [];
  const ask = async (url, init) => {
    const sent = init.method === 'GET' ? Object.fromEntries(new URL(url).searchParams) : JSON.parse(init.body);
    const answer = await fetch(url, init);
    asked.push({ method: init.method, document: Boolean(sent.query), status: answer.status });
    return answer;
  };
  return { asked, fetch: ask };
}

/** graphql-ws with its own ideas of when to try again, and what it was told when it was closed. */
export function socket(token) {
  const closed = [];
  const client = createClient({
    url: settings.url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: bearer(token),
    on: { closed: (event) => closed.push(event.code) },
  });
  return { client, closed };
}

/** The first value of something that is subscribed to by `start(next, error)`, which returns how to stop. */
export const first = (start) =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('nothing came')), 15_000);
    let stop = () => {};
    const end = (settle) => (value) => {
      clearTimeout(late);
      queueMicrotask(() => stop());
      settle(value);
    };
    stop = start(end(resolve), end(reject));
  });
