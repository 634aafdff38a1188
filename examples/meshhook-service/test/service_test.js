// The service and the worker, as processes, over HTTP, on a PostgreSQL server of the test's own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { findCli, startStack } from '../scripts/stack.mjs';

const skip = findCli() ? false : 'ROWSEAL_CLI names no program: the store is made with it';
const HEADER = 'x-hub-signature-256';
const canaries = [];
const canary = () => canaries[canaries.push(`canary_${randomBytes(12).toString('hex')}`) - 1];
const signed = (secret, body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

describe('the service', { skip }, () => {
  let stack;
  let service;
  let worker;
  let receiver;
  let received = [];
  let acme;
  let umbrella;
  let ann;
  let carl;
  let bob;

  before(async () => {
    receiver = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      received.push({ url: request.url, headers: request.headers, body: String(body) });
      const answer = { '/teapot': 418, '/away': 302 }[request.url] ?? 200;
      response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end('echo');
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    stack = await startStack();
    [acme, umbrella] = [stack.addProject('acme'), stack.addProject('umbrella')];
    ann = stack.addUser('ann@acme.example', { [acme]: 'admin' });
    carl = stack.addUser('carl@acme.example', { [acme]: 'member' });
    bob = stack.addUser('bob@umbrella.example', { [umbrella]: 'admin' });
    service = await stack.startService();
    worker = await stack.startWorker();
  });
  after(async () => {
    await service?.end();
    await worker?.end();
    await stack?.end();
    receiver?.close();
  });

  /** Calls the API; gives status and body. A body that is a string goes as it is. */
  async function api(user, method, path, body) {
    const response = await fetch(`${service.first.url}/api/secrets${path}`, { method,
      headers: user ? { authorization: `Bearer ${user.token}` } : {},
      body: typeof body === 'object' ? JSON.stringify(body) : body });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, ...(text ? JSON.parse(text) : {}) };
  }
  const create = (user, project, name, value, kind) =>
    api(user, 'POST', '', { project_id: project, name, value, kind });
  const names = async (user) => (await api(user, 'GET', '')).secrets.map(({ name }) => name);

  /** Sends a webhook; `signatures` may be several values of one header. */
  function hook(project, name, body, signatures) {
    const { port } = new URL(service.first.url);
    return new Promise((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', method: 'POST', path: `/hooks/${project}/${name}`,
        headers: signatures === undefined ? {} : { [HEADER]: signatures } }, async (response) =>
        resolve({ status: response.statusCode, ...JSON.parse(Buffer.concat(await response.toArray())) }))
        .on('error', reject).end(body);
    });
  }
  const audit = (project) =>
    JSON.parse(stack.rowseal('audit', 'list', project, '--json')).entries;

  /** Makes a workflow with its hook's secret, sends one webhook, and waits for the run's end. */
  async function runOf(hookName, headers, path, body = '{"a":1}') {
    const secret = canary();
    assert.equal((await create(ann, acme, `hook/${hookName}`, secret, 'webhook')).status, 201);
    stack.addWorkflow(acme, hookName,
      [{ url: `http://127.0.0.1:${receiver.address().port}${path}`, headers }]);
    assert.equal((await hook(acme, hookName, body, signed(secret, body))).status, 202);
    for (let i = 0; i < 100; ++i) {
      const [state, outcome] = stack.sql(`SELECT r.state, r.outcome FROM runs r JOIN workflows w
        ON w.id = r.workflow_id WHERE w.hook = '${hookName}'`).split('|');
      if (['done', 'failed'].includes(state)) {
        return { state, outcome, call: received.find(({ url }) => url === path) };
      }
      await sleep(100);
    }
    throw new Error('the run did not end');
  }

  test('a secret is created, listed masked, revealed, changed and deleted', async () => {
    const [first, second] = [canary(), canary()];
    const made = await create(ann, acme, 'STRIPE_KEY', first, 'access_token');
    assert.deepEqual([made.status, made.secret.version], [201, 1]);
    const list = await api(ann, 'GET', '');
    const row = list.secrets.find(({ name }) => name === 'STRIPE_KEY');
    assert.deepEqual([row.id, row.kind, row.version, row.updated_by],
      [made.secret.id, 'access_token', 1, `user:${ann.id}`]);
    assert.match(row.value, /^•+$/);
    assert.ok(!list.text.includes(first));
    assert.equal(list.headers.get('cache-control'), 'no-store');
    const reveal = () => api(ann, 'POST', `/${row.id}/reveal`, { reason: 'a test' });
    assert.equal((await reveal()).value, first);
    assert.equal((await api(ann, 'PUT', `/${row.id}`, { value: second })).secret.version, 2);
    assert.equal((await reveal()).value, second);
    assert.equal((await api(ann, 'DELETE', `/${row.id}`)).status, 204);
    assert.equal((await reveal()).status, 404);
    assert.ok(!(await names(ann)).includes('STRIPE_KEY'));
  });

  test('a tenant sees and gets nothing of another', async () => {
    const value = canary();
    const { secret: { id } } = await create(bob, umbrella, 'ONLY_BOBS', value);
    assert.deepEqual(await names(bob), ['ONLY_BOBS']);
    assert.ok(!(await names(ann)).includes('ONLY_BOBS'));
    const answers = [await api(ann, 'POST', `/${id}/reveal`, { reason: 'curious' }),
      await api(ann, 'PUT', `/${id}`, { value: 'x' }), await api(ann, 'DELETE', `/${id}`),
      await create(ann, umbrella, 'MINE_NOW', 'x'), await create(ann, 'system', 'MINE_NOW', 'x')];
    const unknown = await api(ann, 'DELETE', '/00000000-0000-4000-8000-000000000000');
    for (const { status } of answers) assert.equal(status, 404);
    assert.equal(answers[2].text, unknown.text);
    assert.equal((await api(bob, 'POST', `/${id}/reveal`, { reason: 'mine' })).value, value);
    // Nor does the service's login itself, but in a user's name; the worker's has no use for the view.
    assert.equal(stack.sql('SELECT count(*) FROM secret_metadata', 'meshhook_web'), '0');
    assert.throws(() => stack.sql('SELECT 1 FROM secret_metadata', 'meshhook_worker'), /permission denied/);
  });

  test('a member who is no admin sees names only', async () => {
    const { secret: { id } } = await create(ann, acme, 'FOR_MEMBERS', canary());
    assert.ok((await names(carl)).includes('FOR_MEMBERS'));
    for (const { status } of [await api(carl, 'POST', `/${id}/reveal`, { reason: 'curious' }),
      await api(carl, 'DELETE', `/${id}`), await create(carl, acme, 'BY_CARL', 'x')]) {
      assert.equal(status, 403);
    }
  });

  test('a reveal needs a reason, which stands in the audit log', async () => {
    const value = canary();
    const { secret: { id } } = await create(ann, acme, 'WATCHED', value);
    for (const body of [{}, { reason: '' }, { reason: '  ' }, { reason: 7 }, { reason: 'x'.repeat(1001) },
      { reason: 'a\0b' }, [], 'null']) {
      const answer = await api(ann, 'POST', `/${id}/reveal`, body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.ok(!answer.text.includes(value));
    }
    const before = audit(acme).filter(({ action }) => action === 'get').length;
    await api(ann, 'POST', `/${id}/reveal`, { reason: 'ticket 4711: ä' });
    const entries = audit(acme).filter(({ action }) => action === 'get');
    assert.equal(entries.length, before + 1);
    assert.deepEqual([entries[0].actor, entries[0].reason, entries[0].outcome],
      [`user:${ann.id}`, 'ticket 4711: ä', 'granted']);
  });

  test('a webhook is taken with the signature of its raw body, and not otherwise', async () => {
    const secret = canary();
    await create(ann, acme, 'hook/github', secret, 'webhook');
    stack.addWorkflow(acme, 'github', []);
    const body = '{"b": 1,  "a": "ä"}';
    const good = signed(secret, body);
    assert.equal((await hook(acme, 'github', body, good)).status, 202);
    const refused = async (reason, given, signatures) => {
      const answer = await hook(acme, 'github', given, signatures);
      assert.deepEqual([answer.status, answer.error], [401, `signature ${reason}`]);
      assert.ok(answer.hint);
    };
    await refused('missing', body, undefined);
    await refused('missing', body, '');
    await refused('duplicate', body, [good, good]);
    await refused('duplicate', body, `${good}, ${good}`);
    await refused('malformed', body, good.slice(7));
    await refused('mismatch', body, signed('another', body));
    await refused('mismatch', JSON.stringify(JSON.parse(body)), good);
    assert.equal((await hook(acme, 'unknown', body, good)).status, 404);
    assert.equal((await hook(umbrella, 'github', body, good)).status, 404);
    assert.equal((await hook('no-project', 'github', body, good)).status, 404);
    assert.equal(stack.sql(`SELECT count(*) FROM runs r JOIN workflows w ON w.id = r.workflow_id
      WHERE w.hook = 'github'`), '1');
  });

  test('while a hook\'s secret is being replaced, both are taken', async () => {
    const [old, fresh] = [canary(), canary()];
    const { secret: { id } } = await create(ann, acme, 'hook/turning', old, 'webhook');
    stack.addWorkflow(acme, 'turning', []);
    await api(ann, 'PUT', `/${id}`, { value: fresh });
    for (const secret of [old, fresh]) {
      assert.equal((await hook(acme, 'turning', '{}', signed(secret, '{}'))).status, 202);
    }
    await api(ann, 'PUT', `/${id}`, { value: canary() });
    assert.equal((await hook(acme, 'turning', '{}', signed(old, '{}'))).status, 401);
  });

  test('the worker\'s call carries the secret; what the webhook brought is not searched', async () => {
    const value = canary();
    await create(ann, acme, 'API_TOKEN', value);
    const body = '{"text":"{{secrets.API_TOKEN}}"}';
    const { state, call } = await runOf('calls',
      { authorization: 'Bearer {{secrets.API_TOKEN}}', 'x-plain': 'as it is' }, '/calls', body);
    assert.equal(state, 'done');
    assert.equal(call.headers.authorization, `Bearer ${value}`);
    assert.equal(call.headers['x-plain'], 'as it is');
    assert.equal(call.body, body);
    assert.ok(audit(acme).some(({ actor, reason }) => actor === 'worker' && /^run \d+$/.test(reason)));
  });

  test('a call that fails ends its run, and says nothing of the secret', async () => {
    await create(ann, acme, 'TWO_LINES', `${canary()}\n${canary()}`);
    await create(ann, acme, 'DOLLARS', `$&${canary()}$1`);
    const outcomes = {
      unknown: [{ x: '{{secrets.NOT_THERE}}' }, '/unknown', 'failed', 'not_found'],
      lines: [{ x: '{{secrets.TWO_LINES}}' }, '/lines', 'failed', 'the URL or a header is not valid'],
      teapot: [{ x: '{{secrets.API_TOKEN}}' }, '/teapot', 'failed', 'HTTP 418'],
      away: [{ x: '{{secrets.API_TOKEN}}' }, '/away', 'failed', 'HTTP 302'],
      dollars: [{ x: '{{secrets.DOLLARS}}' }, '/dollars', 'done', 'ok'],
    };
    for (const [name, [headers, path, state, outcome]] of Object.entries(outcomes)) {
      const run = await runOf(name, headers, path);
      assert.deepEqual([run.state, run.outcome], [state, outcome], name);
    }
    assert.ok(received.some(({ headers }) => /^\$&canary_\w+\$1$/.test(headers.x)));
    assert.ok(!received.some(({ url }) => url === '/elsewhere'));
  });

  test('bad requests are refused with a status that says why', async () => {
    const value = canary();
    const is = async (status, answer) => assert.equal((await answer).status, status);
    await is(401, api(null, 'GET', ''));
    await is(401, api({ token: 'x'.repeat(43) }, 'GET', ''));
    await is(405, api(ann, 'PATCH', ''));
    await is(404, api(ann, 'GET', '/a/b/c'));
    await is(404, api(ann, 'DELETE', '/not-an-id'));
    await is(400, api(ann, 'DELETE', '/%ff'));
    await is(400, create(ann, acme, 'NO_VALUE', ''));
    await is(400, create(ann, acme, 'LONE', `\ud800${value}`));
    await is(400, create(ann, acme, 'KIND', value, 'nonsense'));
    await is(400, create(ann, acme, 'n'.repeat(256), value));
    await is(400, create(ann, acme, 'a\0b', value));
    await is(400, hook(acme, 'a%00b', '{}', signed(value, '{}')));
    await is(400, hook('%00', 'github', '{}', signed(value, '{}')));
    // Of text as short as this, JSON.parse's own message quotes all.
    const malformed = await api(ann, 'POST', '', '{"value":sk_1}');
    assert.deepEqual([malformed.status, malformed.text], [400, '{"error":"the body is not JSON"}']);
    await is(413, create(ann, acme, 'LARGE', 'x'.repeat(1 << 20)));
    await is(413, fetch(`${service.first.url}/hooks/${acme}/github`, { method: 'POST', duplex: 'half',
      body: new ReadableStream({ start(stream) {  // no length said beforehand
        for (let i = 0; i < 9; ++i) stream.enqueue(new Uint8Array(1 << 16));
        stream.close();
      } }) }));
    await create(ann, acme, 'TAKEN', canary());
    const taken = await create(ann, acme, 'TAKEN', value);
    assert.deepEqual([taken.status, taken.code], [409, 'conflict']);
    assert.ok(taken.hint);
    stack.sql('UPDATE sessions SET expires_at = now()');
    await is(401, api(ann, 'GET', ''));
    stack.sql("UPDATE sessions SET expires_at = now() + interval '1 day'");
  });

  test('a damaged row, or a missing grant, tells the log what, and the caller nothing', async () => {
    const { secret: { id } } = await create(ann, acme, 'DAMAGED', canary());
    stack.sql(`UPDATE rowseal.secret_version SET nonce = decode(repeat('00', 24), 'hex')
      WHERE secret_id = '${id}'`);
    const answer = await api(ann, 'POST', `/${id}/reveal`, { reason: 'a test' });
    assert.deepEqual([answer.status, answer.text], [500, '{"error":"internal error"}']);
    assert.match(stack.said.join(''), /"request_failed","code":"integrity".*DAMAGED/);
    assert.equal((await api(ann, 'DELETE', `/${id}`)).status, 204);
    stack.sql('REVOKE rowseal_service FROM meshhook_web');
    const denied = await create(ann, acme, 'DENIED', canary());
    assert.deepEqual([denied.status, denied.text], [500, '{"error":"internal error"}']);
    stack.sql('GRANT rowseal_service TO meshhook_web');
  });

  test('without its database the service says so, and goes on when it is back', async () => {
    const secret = canary();
    await create(ann, acme, 'hook/outage', secret, 'webhook');
    stack.addWorkflow(acme, 'outage', []);
    const send = () => hook(acme, 'outage', '{}', signed(secret, '{}'));
    stack.sql('ALTER ROLE meshhook_web CONNECTION LIMIT 0');
    stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'meshhook_web'");
    const answer = await send();
    assert.deepEqual([answer.status, answer.error], [503, 'not available']);
    stack.sql('ALTER ROLE meshhook_web CONNECTION LIMIT -1');
    assert.equal((await send()).status, 202);
  });

  test('a restart keeps everything', async () => {
    const value = canary();
    const { secret: { id } } = await create(ann, acme, 'LASTING', value);
    await service.end();
    service = await stack.startService();
    assert.equal((await api(ann, 'POST', `/${id}/reveal`, { reason: 'a test' })).value, value);
    assert.match(stack.rowseal('verify'), /; 0 failed/);
  });

  test('no value stands in a log or, in the clear, in a table', () => {
    const dump = String(execFileSync('pg_dump', [...stack.address, '-U', 'postgres', 'meshhook'],
      { maxBuffer: 1 << 28 }));
    const logs = stack.said.join('');
    assert.ok(canaries.length > 15 && dump.includes('LASTING') && logs.includes('"run"'));
    for (const value of canaries) {
      for (const form of ['utf8', 'hex', 'base64'].map((encoding) => Buffer.from(value).toString(encoding))) {
        assert.ok(!dump.includes(form) && !logs.includes(form), value);
      }
    }
  });
});
