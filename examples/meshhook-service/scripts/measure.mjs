// What Rowseal adds to the time of a request: the same server with it and without, in turns.
// The quicker half of the rounds counts: a round in which the machine did something else as well is
// slow in all its cases. Usage: measure.mjs [ROUNDS [REQUESTS]]   (80 rounds of 96 requests a case)
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { availableParallelism } from 'node:os';

import { startStack } from './stack.mjs';

const [rounds = 80, requests = 96] = process.argv.slice(2).map(Number);
const WARM_UP = 5;  // rounds
const HOOK_SECRET = 'whsec_measured';
const BODY = JSON.stringify({ action: 'opened', text: 'x'.repeat(1000) });
const SIGNATURE = `sha256=${createHmac('sha256', HOOK_SECRET).update(BODY).digest('hex')}`;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Sends one request; gives its milliseconds. */
function timed(url, options, body, wanted) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const sent = request(url, { agent, ...options }, (response) => {
      response.resume().once('end', () => (response.statusCode === wanted
        ? resolve(performance.now() - began)
        : reject(new Error(`${url} answered ${response.statusCode}`))));
    });
    sent.on('error', reject).end(body);
  });
}

async function measure({ send }, concurrency) {
  const times = [];
  const worker = async () => {
    while (times.length + concurrency <= requests) times.push(await send());
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return times;
}

const stack = await startStack({ durable: true });
try {
  const project = stack.addProject('measured');
  const { token } = stack.addUser('ann@acme.example', { [project]: 'admin' });
  stack.addWorkflow(project, 'measured', []);
  stack.sql(`CREATE TABLE plain_secrets (project_id text, name text, value text, PRIMARY KEY (project_id, name));
    CREATE TABLE plain_log (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz DEFAULT now(),
      project_id text, actor text, action text, name text);
    INSERT INTO plain_secrets VALUES ('${project}', 'API_TOKEN', 'tok_measured');
    GRANT SELECT ON plain_secrets TO meshhook_web; GRANT INSERT ON plain_log TO meshhook_web`);
  const more = { PROJECT: project, HOOK_SECRET };
  const [on, off] = [await stack.start('scripts/measure_server.mjs', 'web', 'listening', { ...more, MODE: 'on' }),
    await stack.start('scripts/measure_server.mjs', 'web', 'listening', { ...more, MODE: 'off' })];
  stack.put(project, 'API_TOKEN', 'tok_measured');
  stack.put(project, 'hook/measured', HOOK_SECRET);

  const read = (server, at) => () => timed(`${server.first.url}${at}`,
    { headers: { authorization: `Bearer ${token}` } }, undefined, 200);
  const hook = (server, at) => () => timed(`${server.first.url}${at}`,
    { method: 'POST', headers: { 'x-hub-signature-256': SIGNATURE } }, BODY, 202);
  const cases = [
    { name: 'read a secret: Rowseal', send: read(on, '/api/read') },
    { name: 'read a secret: a column in the clear', send: read(off, '/api/read') },
    { name: 'read a secret: a column, and a log', send: read(off, '/api/read-logged') },
    { name: 'webhook: Rowseal', send: hook(on, `/hooks/${project}/measured`) },
    { name: 'webhook: node:crypto, a variable', send: hook(off, '/hook') },
  ].flatMap((each) => [1, 16].map((concurrency) => ({ ...each, concurrency, rounds: [] })));

  const part = (times, share) => times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1];
  const durations = [];
  for (let round = 0; round < WARM_UP + rounds; ++round) {
    const began = performance.now();
    // Each round begins elsewhere, so that none always runs behind the same one.
    for (const each of [...cases.slice(round % cases.length), ...cases.slice(0, round % cases.length)]) {
      each.rounds.push(await measure(each, each.concurrency));
    }
    durations.push(performance.now() - began);
  }
  const limit = part(durations.slice(WARM_UP), 0.5);
  const quick = durations.flatMap((time, i) => (i >= WARM_UP && time <= limit ? [i] : []));
  for (const each of cases) {
    each.times = quick.flatMap((i) => each.rounds[i]);
    each.medians = quick.map((i) => part(each.rounds[i], 0.5));
  }
  console.log(`${availableParallelism()} cores, Node.js ${process.version}; ms`);
  let withRowseal;
  for (const each of cases.toSorted((a, b) => a.concurrency - b.concurrency)) {
    // What Rowseal adds: the median over the rounds of the difference of their medians.
    const isRowseal = each.name.endsWith('Rowseal');
    if (isRowseal) withRowseal = each.medians;
    const adds = isRowseal ? '' : `Rowseal adds ${
      part(withRowseal.map((median, i) => median - each.medians[i]), 0.5).toFixed(2)}`;
    console.log(`${String(each.concurrency).padStart(2)} at once  ${each.name.padEnd(38)} p50 ${
      part(each.times, 0.5).toFixed(2).padStart(6)}  p99 ${part(each.times, 0.99).toFixed(2).padStart(6)}  ${
      each.times.length} requests  ${adds}`);
  }
  await Promise.all([on.end(), off.end()]);
} finally {
  agent.destroy();
  await stack.end();
}
