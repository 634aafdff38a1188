// The rows of the Node.js package: sealed values opened in batches, gets over `pg`, and how long gets
// keep the event loop from its other work. ROWSEAL_NODE_ADDON names the addon.
//
// Usage: node_package.mjs MODULES URL ROOT ROUNDS IN_FLIGHT SECONDS SLICES
//   MODULES   a folder with the packages of bench/node_packages
//   URL ROOT  a store on PostgreSQL
//   ROUNDS    of batches; there are ten times as many single gets
//   IN_FLIGHT SECONDS SLICES   so many gets are kept in flight, for so long, so many times
// Prints {"open": {"rowseal": [ns a value, …], …}, "get": {"rowseal": [ns, …], "bare": …},
// "loop": {"rowseal": [{"p99": ns, "perSecond": …}, …], "bare": …}}.

import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '../bindings/node/src/index.js';
import * as envelope from './node_envelope.mjs';

const BATCH = 1000;
const BATCH_OF_AWS = 50;  // a hundred times slower, and each value is on its own
const PROJECTS = 100;
const COLUMN = 'bench.value';
const VALUE = Buffer.alloc(64, 'v');

const [modules, url, root, ...counts] = process.argv.slice(2);
const [rounds, inFlight, seconds, slices] = counts.map(Number);
const require = createRequire(`${modules}/`);
const pg = require('pg');
const aws = require('@aws-crypto/client-node');

const now = () => Number(process.hrtime.bigint());

/** A pool that knows its last statement, and can answer one again as the server did before. */
class WatchedPool extends pg.Pool {
  last = null;
  answersAtOnce = false;
  #answers = new Map();

  async query(query) {
    if (this.answersAtOnce) return this.#answers.get(query.text);
    this.last = query;
    const answer = await super.query(query);
    this.#answers.set(query.text, answer);
    return answer;
  }
}

async function time(values, open) {
  const start = now();
  await open();
  return (now() - start) / values;
}

function same(opened) {
  if (!opened.every((value) => VALUE.equals(value))) throw new Error('a value came back as another');
}

/** Each value has its row, and its context: opened as an app opens a page of its rows. */
async function measureOpen(client, pool) {
  await client.addColumn(COLUMN, 'cell');
  const rows = Array.from({ length: BATCH }, (_, row) => row);
  const sealed = (await client.sealValues('project-1', COLUMN,
    rows.map((row) => ({ value: VALUE, row })))).map(({ value }, row) => ({ sealed: value, row }));
  const openOurs = async () => same((await client.openValues('project-1', COLUMN, sealed))
    .map(({ value }) => value));

  const contexts = rows.map((row) => Buffer.from(`project-1 ${COLUMN} ${row}`));
  const enveloped = contexts.map((context) => envelope.seal(VALUE, context));
  const openEnvelopes = () => same(enveloped.map((text, row) => envelope.open(text, contexts[row])));

  const { encrypt, decrypt } = aws.buildClient(aws.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const keyring = new aws.RawAesKeyringNode({ keyName: 'bench', keyNamespace: 'bench',
    unencryptedMasterKey: new Uint8Array(32).fill(7),
    wrappingSuite: aws.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING });
  // Without signatures, which would cost most of the time and which the others do not make.
  const suiteId = aws.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const messages = await Promise.all(rows.slice(0, BATCH_OF_AWS).map(async (row) =>
    (await encrypt(keyring, VALUE, { suiteId, encryptionContext: { row: `project-1 ${COLUMN} ${row}` } }))
      .result.toString('base64')));
  const openMessages = async () => same(await Promise.all(messages.map(async (text) =>
    (await decrypt(keyring, Buffer.from(text, 'base64'))).plaintext)));

  const times = { rowseal: [], throughPg: [], crypto: [], aws: [] };
  for (let round = 0; round < rounds; ++round) {
    // A batch is one statement, whose answer depends on the column and the keys only.
    times.throughPg.push(await time(BATCH, openOurs));
    pool.answersAtOnce = true;
    times.rowseal.push(await time(BATCH, openOurs));
    pool.answersAtOnce = false;
    times.crypto.push(await time(BATCH, openEnvelopes));
    times.aws.push(await time(BATCH_OF_AWS, openMessages));
  }
  return times;
}

/** Gives a function that sends the statement of a get, with an audit entry's id of its own. */
async function bareGet(client, pool) {
  await client.get('project-1', 'bench');
  const { values, ...query } = pool.last;
  const id = values.findIndex((value) => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(String(value)));
  if (id < 0) throw new Error('the statement of a get has no id');
  return () => pool.query({ ...query, values: values.with(id, randomUUID()) });
}

async function measureGet(client, bare) {
  const times = { rowseal: [], bare: [] };
  for (let round = 0; round < rounds * 10; ++round) {
    times.rowseal.push(await time(1, () => client.get('project-1', 'bench')));
    times.bare.push(await time(1, bare));
  }
  return times;
}

/** Keeps many calls in flight. They begin in many turns of the loop, as requests do. */
async function keepInFlight(call) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const end = now() + seconds * 1e9;
  let done = 0;
  const again = async (number) => {
    for (; now() < end; ++done) await call(number);
  };
  const calls = [];
  while (calls.length < inFlight) {
    for (let i = 0; i < 50; ++i) calls.push(again(calls.length));
    await new Promise(setImmediate);
  }
  const start = now();
  const first = done;
  delay.enable();
  await sleep(Math.max(100, (end - start) / 1e6));
  delay.disable();
  const rate = (done - first) / ((now() - start) / 1e9);
  await Promise.all(calls);
  return { p99: delay.percentile(99), perSecond: rate };
}

async function measureLoop(client, bare) {
  const figures = { rowseal: [], bare: [] };
  for (let slice = 0; slice < slices; ++slice) {
    figures.bare.push(await keepInFlight(bare));
    figures.rowseal.push(await keepInFlight(
      (number) => client.get(`project-${number % PROJECTS}`, 'bench')));
  }
  return figures;
}

const pool = new WatchedPool({ connectionString: url, max: 10 });
const client = await connect({ db: pool, root, actor: 'bench', callTimeoutMs: 60_000 });
for (let i = 0; i < PROJECTS; ++i) await client.put(`project-${i}`, 'bench', VALUE);
const bare = await bareGet(client, pool);
console.log(JSON.stringify({ open: await measureOpen(client, pool), get: await measureGet(client, bare),
  loop: await measureLoop(client, bare) }));
await client.close();
await pool.end();
