// Rowseal inside an app: its transactions, hostile pools, workers, exits, many calls at once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, describe, test } from 'node:test';

import pg from 'pg';

import { connect, nonce } from '../src/index.js';
import { postgresStore, sqliteStore, startServer, withoutCli } from './support/stores.js';

describe('on PostgreSQL', { skip: withoutCli }, async () => {
  const server = withoutCli ? null : await startServer();
  if (!server) {
    test('an app', { skip: 'no PostgreSQL server is installed' }, () => {});
    return;
  }
  let store;
  let client;
  before(async () => {
    store = postgresStore(server);
    client = await connect(store.options);
    await client.put('acme', 'hook', 'value');
  });
  after(async () => {
    await client.close();
    await store.end();
    await server.end();
  });

  test('a put joins the app\'s transaction, and goes with it', async () => {
    const app = await store.pool.connect();
    try {
      await app.query('BEGIN');
      await client.put('acme', 'joined', 'one', { client: app });
      assert.equal((await client.get('acme', 'joined', { client: app })).reveal(), 'one');
      await app.query('ROLLBACK');
      await assert.rejects(client.get('acme', 'joined'), { code: 'not_found' });
      for (const end of ['ROLLBACK', 'COMMIT', 'ROLLBACK']) {
        await app.query('BEGIN');
        await client.put('acme', 'kept', end, { client: app });
        await app.query(end);
      }
      const kept = await client.get('acme', 'kept');
      assert.deepEqual([kept.reveal(), kept.version], ['COMMIT', 1]);
      assert.equal((await client.put('acme', 'kept', 'two')).version, 2);
    } finally {
      app.release();
    }
  });

  test('a pg Client serves as well as a pool, with maintenance between calls', async () => {
    const single = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres',
      database: 'postgres' });
    await single.connect();
    const over = await connect({ ...store.options, db: single });
    const [, ...values] = await Promise.all([over.rotateKek(),
      ...Array.from({ length: 50 }, () => over.get('acme', 'hook'))]);
    assert.ok(values.every((secret) => secret.reveal() === 'value'));
    await over.close();
    await single.end();
  });

  test('named statements are used when asked for', async () => {
    const over = await connect({ ...store.options, prepared: true });
    await over.put('acme', 'prepared', 'v');
    assert.equal((await over.get('acme', 'prepared')).reveal(), 'v');
    await over.close();
  });

  test('a pool that fails, or answers something else, is an error with a code', async () => {
    const answers = {
      unavailable: () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNRESET' })),
      internal: () => Promise.resolve({ rows: [['1', '2']], fields: [{ dataTypeID: 20 }] }),
    };
    const wrong = [undefined, 7, { rows: 7 }, { rows: [], fields: [] }, { rows: [7], fields: [] },
      { rows: [[null]], fields: [{ dataTypeID: 999999 }] }, { rows: [['x']], fields: [{}] }];
    let answer = null;
    const pool = { totalCount: 1, options: { database: 'hostile' }, connect: () => store.pool.connect(),
      query: (query) => (answer ? answer() : store.pool.query(query)) };
    const over = await connect({ ...store.options, db: pool, callTimeoutMs: 300 });
    for (const [code, make] of Object.entries(answers)) {
      answer = make;
      await assert.rejects(over.put('acme', 'hostile', 'v'), { code });
    }
    for (const result of wrong) {
      answer = () => Promise.resolve(result);
      await assert.rejects(over.get('acme', 'hook'), { name: 'RowsealError' });
      await assert.rejects(over.list('acme').then((page) => assert.deepEqual(page, 'none')),
        (error) => error.name === 'RowsealError' || error.actual?.length === 0);
    }
    answer = () => new Promise(() => {});
    await assert.rejects(over.get('acme', 'hook'), { code: 'unavailable', retryable: true });
    answer = () => { throw new Error('not even a promise'); };
    await assert.rejects(over.get('acme', 'hook'), { code: 'unavailable' });
    answer = null;
    assert.equal((await over.get('acme', 'hook')).reveal(), 'value');
    await over.close();
  });

  test('a put whose answer is lost is stored once; one that gets none is in doubt', async () => {
    let answer = (query) => store.pool.query(query);
    const pool = { totalCount: 1, options: { database: 'lossy' },
      connect: () => store.pool.connect(), query: (query) => answer(query) };
    const over = await connect({ ...store.options, db: pool, callTimeoutMs: 3000 });
    await over.put('acme', 'warm', 'up');  // so that the next put is one statement
    let lost = 0;
    answer = async (query) => {
      const result = await store.pool.query(query);
      if (lost++ === 0) {
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
      }
      return result;
    };
    assert.equal((await over.put('acme', 'lost', 'v')).version, 1);
    assert.ok(lost > 1);
    assert.equal((await over.versions('acme', 'lost')).length, 1);
    answer = () => new Promise(() => {});
    await assert.rejects(over.put('acme', 'lost', 'w'), { code: 'in_doubt' });
    answer = (query) => store.pool.query(query);
    await over.close();
  });

  test('a commit whose answer is lost is looked up, and not believed of another server', async () => {
    let timeline = null;
    const ofAnotherServer = (query, result) => {
      if (timeline && query.text.includes('pg_xact_status')) result.rows[0][1] = timeline;
      return result;
    };
    const lossy = (client) => ({
      release: (broken) => client.release(broken),
      query: async (query) => {
        const result = await client.query(query);
        if (query.text === 'COMMIT') throw new Error('Connection terminated unexpectedly');
        return ofAnotherServer(query, result);
      },
    });
    const pool = { totalCount: 1, options: { database: 'lossy' },
      connect: async () => lossy(await store.pool.connect()),
      query: async (query) => ofAnotherServer(query, await store.pool.query(query)) };
    const over = await connect({ ...store.options, db: pool });
    await client.put('acme', 'old-name', 'v');
    await over.rename('acme', 'old-name', 'new-name');
    assert.equal((await client.get('acme', 'new-name')).reveal(), 'v');
    timeline = '0000FFFF';
    await assert.rejects(over.rename('acme', 'new-name', 'third-name'), { code: 'in_doubt' });
    await over.close();
  });

  test('the event loop goes on with ten thousand gets in flight', async (context) => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const secrets = await Promise.all(
      Array.from({ length: 10_000 }, () => client.get('acme', 'hook')));
    delay.disable();
    assert.ok(secrets.every((secret) => secret.version === 1));
    context.diagnostic(`event-loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, ` +
      `max ${(delay.max / 1e6).toFixed(1)} ms`);
  });
});

describe('in a process', { skip: withoutCli }, () => {
  let store;
  before(() => { store = sqliteStore(); });
  after(() => store.end());

  for (const how of ['exit', 'idle', 'worker']) {
    test(`it ends in mid-work (${how})`, () => {
      execFileSync(process.execPath,
        [path.join(import.meta.dirname, 'support/exit_in_mid_work.js'), store.options.db,
          store.options.root, how], { timeout: 60_000 });
    });
  }

  test('clients that were closed leave nothing behind', { skip: globalThis.gc ? false : 'needs --expose-gc' },
    async (context) => {
      const round = async () => {
        for (let i = 0; i < 20; ++i) {
          const client = await connect(store.options);
          await client.put('acme', 'leak', 'v');
          await client.close();
        }
        globalThis.gc();
        await new Promise(setImmediate);
        globalThis.gc();
        return process.memoryUsage().rss;
      };
      await round();
      const first = await round();
      for (let i = 0; i < 3; ++i) await round();
      const grown = await round() - first;
      context.diagnostic(`grown by ${(grown / 1024).toFixed(0)} KiB in 80 clients`);
      assert.ok(grown < 64 * 1024 * 1024);
    });

  test('nonces have the size that was asked for', () => {
    assert.equal(nonce(96).length, 12);
    assert.equal(nonce(192).length, 24);
    assert.throws(() => nonce(64), { code: 'invalid_argument' });
  });
});
