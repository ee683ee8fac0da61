// Apollo Client: queries, mutations, persisted queries by POST and GET, subscriptions, and what it makes of errors.
import assert from 'node:assert/strict';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { bearer, first, settings, sha256, socket, watched } from './settings.mjs';

function made(token, { get = false, hashes = true } = {}) {
  const { asked, fetch } = watched();
  const { client: sockets, closed } = socket(token);
  const http = new HttpLink({ uri: settings.url, fetch, headers: bearer(token) });
  const documents = hashes ? new PersistedQueryLink({ sha256, useGETForHashedQueries: get }).concat(http) : http;
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(sockets),
    documents,
  );
  const client = new ApolloClient({
    link,
    cache: new InMemoryCache(),
    clientAwareness: { name: 'checks', version: '1' },
  });
  return { client, asked, closed, sockets };
}

const subscribed = (client, options) =>
  first((next, error) => {
    const running = client.subscribe(options).subscribe({
      next: (result) => (result.error ? error(result.error) : next(result)),
      error,
    });
    return () => running.unsubscribe();
  });

const failure = async (promise) => {
  try {
    await promise;
  } catch (error) {
    assert.ok(CombinedGraphQLErrors.is(error), `${error}`);
    return error.errors[0].extensions.code;
  }
  assert.fail('it did not fail');
};

const CONCERT = gql`query Concert($id: ID!, $booking: Boolean) {
  concert(id: $id) { id title series(bookableOnly: $booking) { id startAt seatCount } }
}`;
const variables = { id: settings.concert };

// Asked by hash first, and with the document once the server has said that it needs it.
for (const get of [false, true]) {
  const { client, asked } = made(null, { get });
  // A document of its own for each way, or the first would teach the server the second's.
  const query = gql`query Concert${get ? 'ByGet' : ''}($id: ID!) { concert(id: $id) { id title } }`;
  for (let n = 0; n < 2; n += 1) {
    const { data } = await client.query({ query, variables, fetchPolicy: 'network-only' });
    assert.equal(data.concert.title, 'Soundtracks');
  }
  const hashed = get ? 'GET' : 'POST';
  const told = [{ method: hashed, document: false }, { method: 'POST', document: true }];
  const known = settings.persisted ? { method: hashed, document: false } : { method: 'POST', document: true };
  assert.deepEqual(asked.map(({ method, document }) => ({ method, document })), [...told, known]);
}

const { client, asked, sockets } = made(settings.fan);
assert.equal((await client.query({ query: CONCERT, variables })).data.concert.series[0].seatCount, 50);
const before = asked.length;
await client.query({ query: CONCERT, variables });
assert.equal(asked.length, before, 'the second answer comes from the cache');
const CHARGE = gql`mutation Charge($input: ChargeInput!) {
  charge(input: $input) { points { userId balance } problem { code message } }
}`;
const input = { amount: 5, idempotencyKey: `apollo-${settings.run}` };
const charged = await client.mutate({ mutation: CHARGE, variables: { input } });
assert.deepEqual(charged.data.charge.problem, null);
const again = await client.mutate({ mutation: CHARGE, variables: { input } });
assert.deepEqual(again.data, charged.data);
const none = await client.mutate({ mutation: CHARGE, variables: { input: { amount: 0, idempotencyKey: 'none' } } });
assert.equal(none.data.charge.problem.code, 'AMOUNT_NOT_POSITIVE');

const SEATS = gql`subscription Seats($id: ID!) { seatAvailability(seriesId: $id) { version availableCount } }`;
const STATS = gql`subscription Stats($id: ID!) { saleStats(seriesId: $id) { held } }`;
const date = { id: settings.series };
const { data: seats } = await subscribed(client, { query: SEATS, variables: date });
assert.equal(seats.seatAvailability.availableCount, 50);
assert.equal(await failure(subscribed(client, { query: STATS, variables: date })), 'FORBIDDEN');
await sockets.dispose();

const WALLET = gql`query Wallet { points { balance } }`;
assert.equal(await failure(made(null).client.query({ query: WALLET })), 'UNAUTHENTICATED');
assert.equal(await failure(client.query({ query: gql`query Nothing { nothing }` })), 'BAD_USER_INPUT');
assert.equal(await failure(client.query({ query: CONCERT, variables: {} })), 'BAD_USER_INPUT');

// A token that is no good is refused once and for good, over HTTP and over the socket.
const forged = made(settings.forged, { hashes: false });
assert.equal(await failure(forged.client.query({ query: WALLET })), 'UNAUTHENTICATED');
assert.equal(forged.asked.length, 1);
await assert.rejects(subscribed(forged.client, { query: SEATS, variables: date }));
assert.deepEqual(forged.closed, [4401]);
console.log('Apollo Client is content');
