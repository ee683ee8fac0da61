// Talks to the toy server of tests/transport with the real graphql-ws client, and lets graphql-js introspect it.
import assert from 'node:assert/strict';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2];
if (!url) {
  console.error('usage: node client.mjs <url>');
  process.exit(2);
}

const connect = (connectionParams) =>
  createClient({ url: url.replace(/^http/, 'ws'), webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });

async function all(client, query) {
  const answers = [];
  for await (const answer of client.iterate({ query })) answers.push(answer);
  return answers;
}

const client = connect({ authorization: 'Bearer ann' });
assert.deepEqual(await all(client, '{ whoami }'), [{ data: { whoami: 'ann' } }]);
const [{ data: bumped }] = await all(client, 'mutation { bump }');
assert.equal(typeof bumped.bump, 'number');
const counted = await all(client, 'subscription { count(to: 3) }');
assert.deepEqual(counted.map(({ data }) => data.count), [1, 2, 3]);

await assert.rejects(all(client, '{ nothingLikeThis }'), (errors) => {
  assert.equal(errors[0].extensions.code, 'BAD_USER_INPUT');
  return true;
});
await assert.rejects(all(client, '{ explode }'), (errors) => {
  assert.equal(errors[0].extensions.code, 'INTERNAL');
  return true;
});
// Left by the client in the middle: the socket goes on.
for await (const { data } of client.iterate({ query: 'subscription { count(to: 1000000) }' })) {
  if (data.count === 2) break;
}
assert.deepEqual(await all(client, '{ whoami }'), [{ data: { whoami: 'ann' } }]);
await client.dispose();

const forged = connect({ Authorization: 'Bearer bad' });
await assert.rejects(all(forged, '{ whoami }'), (closed) => closed.code === 4401 && closed.reason !== '');

for (const accept of ['application/json', 'application/graphql-response+json']) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query: getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, specifiedByUrl: true, directiveIsRepeatable: true }) }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  assert.ok(buildClientSchema(data).getSubscriptionType());
}
console.log('the real clients are content');
