// Relay: its compiler on the schema that is checked in, and what it has compiled against a running server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import relay from 'relay-runtime';
import { bearer, first, settings, socket } from './settings.mjs';

const { Environment, Network, Observable, RecordSource, Store, commitMutation, fetchQuery, requestSubscription } = relay;
const here = fileURLToPath(new URL('.', import.meta.url));

// Among the dependencies, where the compiler's artifacts find the runtime, and out of the way.
const work = mkdtempSync(join(here, 'node_modules', '.relay-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
cpSync(join(here, 'relay'), join(work, 'src'), { recursive: true });
mkdirSync(join(work, 'made'));
cpSync(resolve(here, '../../../schema.graphql'), join(work, 'schema.graphql'));
writeFileSync(join(work, 'package.json'), '{ "type": "module" }');
writeFileSync(
  join(work, 'relay.config.json'),
  JSON.stringify({
    src: './src',
    schema: './schema.graphql',
    language: 'javascript',
    artifactDirectory: './made',
    eagerEsModules: true,
    excludes: [],
    customScalarTypes: { DateTime: 'string' },
  }),
);
const compiler = createRequire(import.meta.url).resolve('relay-compiler/cli.js');
execFileSync(process.execPath, [compiler, 'relay.config.json'], { cwd: work, stdio: ['ignore', 'inherit', 'inherit'] });

const made = async (name) => (await import(pathToFileURL(join(work, 'made', `${name}.graphql.js`)))).default;

function environment(token) {
  const { client: sockets, closed } = socket(token);
  const ask = async ({ text, name, id }, variables) => {
    const answer = await fetch(settings.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(token) },
      body: JSON.stringify({ query: text, operationName: name, id, variables }),
    });
    return answer.json();
  };
  const subscribe = ({ text, name }, variables) =>
    Observable.create((sink) => sockets.subscribe({ query: text, operationName: name, variables }, sink));
  const of = new Environment({ network: Network.create(ask, subscribe), store: new Store(new RecordSource()) });
  return { of, closed, sockets };
}

const stranger = environment(null);
const list = await fetchQuery(stranger.of, await made('documentsConcertsQuery'), {}).toPromise();
assert.ok(list);
const page = await fetchQuery(stranger.of, await made('documentsConcertsPageQuery'), { first: 1 }).toPromise();
assert.ok(page);
const { concert } = await fetchQuery(stranger.of, await made('documentsConcertQuery'), { id: settings.concert }).toPromise();
assert.equal(concert.id, settings.concert);
await assert.rejects(fetchQuery(stranger.of, await made('documentsOwnQuery'), { count: 3 }).toPromise());

const fan = environment(settings.fan);
const charge = await made('documentsChargeMutation');
const acted = (variables) =>
  new Promise((onCompleted, onError) => commitMutation(fan.of, { mutation: charge, variables, onCompleted, onError }));
const charged = await acted({ input: { amount: 5, idempotencyKey: `relay-${settings.run}` } });
assert.equal(charged.charge.problem, null);
assert.equal((await acted({ input: { amount: 0, idempotencyKey: 'no' } })).charge.problem.code, 'AMOUNT_NOT_POSITIVE');
const own = await fetchQuery(fan.of, await made('documentsOwnQuery'), { count: 3 }).toPromise();
assert.ok(own.points.history.edges.some(({ node }) => node.kind === 'CHARGE'));

const subscribed = async ({ of }, name, variables) => {
  const subscription = await made(name);
  return first((onNext, onError) => requestSubscription(of, { subscription, variables, onNext, onError }).dispose);
};
const seats = await subscribed(stranger, 'documentsSeatsSubscription', { id: settings.series });
assert.equal(seats.seatAvailability.availableCount, 50);
const forged = environment(settings.forged);
await assert.rejects(subscribed(forged, 'documentsSeatsSubscription', { id: settings.series }));
assert.deepEqual(forged.closed, [4401]);
await Promise.all([stranger, fan].map(({ sockets }) => sockets.dispose()));
console.log('Relay is content');
