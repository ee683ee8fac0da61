// urql: queries, mutations, persisted queries, subscriptions, and what it makes of errors.
import assert from 'node:assert/strict';
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { bearer, first, settings, sha256, socket, watched } from './settings.mjs';

function made(token, { get = false, hashes = true } = {}) {
  const { asked, fetch } = watched();
  const { client: sockets, closed } = socket(token);
  const persisted = persistedExchange({
    preferGetForPersistedQueries: get ? 'force' : false,
    enableForMutation: true,
    generateHash: async (document) => sha256(document),
  });
  const client = new Client({
    url: settings.url,
    fetch: (url, init) => fetch(url, { method: 'GET', ...init }),
    fetchOptions: { headers: bearer(token) },
    preferGetMethod: false,
    exchanges: [
      ...(hashes ? [persisted] : []),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ ...request, query: request.query ?? '' }, sink) }),
        }),
      }),
    ],
  });
  return { client, asked, closed, sockets };
}

const subscribed = (client, query, variables) =>
  first((next) => {
    const running = client.subscription(query, variables).subscribe(next);
    return () => running.unsubscribe();
  });

const code = ({ error }) => error?.graphQLErrors[0]?.extensions.code;

for (const get of [false, true]) {
  const { client, asked } = made(null, { get });
  const query = gql`query UrqlConcert${get ? 'ByGet' : ''}($id: ID!) { concert(id: $id) { id title } }`;
  for (let n = 0; n < 2; n += 1) {
    const { data, error } = await client.query(query, { id: settings.concert }, { requestPolicy: 'network-only' });
    assert.equal(error, undefined);
    assert.equal(data.concert.title, 'Soundtracks');
  }
  const hashed = get ? 'GET' : 'POST';
  assert.deepEqual({ ...asked[0], status: 0 }, { method: hashed, document: false, status: 0 });
  assert.equal(asked[1].document, true);
  assert.equal(asked.at(-1).document, !settings.persisted);
  assert.equal(asked.length, 3);
}

const { client, sockets } = made(settings.fan);
const CHARGE = gql`mutation UrqlCharge($input: ChargeInput!) {
  charge(input: $input) { points { balance } problem { code } }
}`;
const charged = await client.mutation(CHARGE, { input: { amount: 5, idempotencyKey: `urql-${settings.run}` } });
assert.equal(charged.error, undefined);
assert.equal(charged.data.charge.problem, null);

const SEATS = gql`subscription UrqlSeats($id: ID!) { seatAvailability(seriesId: $id) { availableCount } }`;
const STATS = gql`subscription UrqlStats($id: ID!) { saleStats(seriesId: $id) { held } }`;
const seats = await subscribed(client, SEATS, { id: settings.series });
assert.equal(seats.data.seatAvailability.availableCount, 50);
assert.equal(code(await subscribed(client, STATS, { id: settings.series })), 'FORBIDDEN');
await sockets.dispose();

const WALLET = gql`query UrqlWallet { points { balance } }`;
assert.equal(code(await made(null).client.query(WALLET, {})), 'UNAUTHENTICATED');
assert.equal(code(await client.query(gql`query UrqlNothing { nothing }`, {})), 'BAD_USER_INPUT');
const forged = made(settings.forged, { hashes: false });
assert.equal(code(await forged.client.query(WALLET, {})), 'UNAUTHENTICATED');
assert.equal(forged.asked.length, 1);
assert.ok((await subscribed(forged.client, SEATS, { id: settings.series })).error);
assert.deepEqual(forged.closed, [4401]);
console.log('urql is content');
