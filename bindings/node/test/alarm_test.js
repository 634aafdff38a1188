// After a rollback alarm nothing is sealed and no key changes, by any method, as the first call of a
// fresh client. A new method must be put into a class here.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Client, connect } from '../src/index.js';
import { cli, postgresStore, sqliteStore, startServer, withoutCli } from './support/stores.js';

const webhook = { body: 'body', headers: 'sha256=00', prefix: 'sha256=' };
let sealed;

function only([outcome]) {
  if (outcome.error) throw outcome.error;
}

const reads = {
  get: (c) => c.get('acme', 'name'),
  getMany: (c) => c.getMany('acme', ['name']),
  openValue: (c) => c.openValue('acme', 'column', sealed),
  openValues: (c) => c.openValues('acme', 'column', [{ sealed }]),
  openIfSealed: (c) => c.openIfSealed('acme', 'column', sealed),
  verifyWebhook: (c) => c.verifyWebhook('acme', 'name', webhook),
  signWebhook: (c) => c.signWebhook('acme', 'name', webhook),
  list: (c) => c.list('acme'),
  versions: (c) => c.versions('acme', 'name'),
  columns: (c) => c.columns(),
  auditLog: (c) => c.auditLog('acme'),
  keks: (c) => c.keks(),
  roots: (c) => c.roots(),
  exportKeys: (c) => c.exportKeys(),
  keyStatus: (c) => c.keyStatus(),
  metrics: async (c) => c.metrics(),
  close: (c) => c.close(),
};
const changes = {
  put: (c) => c.put('acme', 'other', 'new'),
  putMany: async (c) => only(await c.putMany('acme', [{ name: 'other', value: 'new' }])),
  sealValue: (c) => c.sealValue('acme', 'column', 'new'),
  sealValues: async (c) => only(await c.sealValues('acme', 'column', [{ value: 'new' }])),
  rollback: (c) => c.rollback('acme', 'name', 1),
  rename: (c) => c.rename('acme', 'name', 'other'),
  delete: (c) => c.delete('acme', 'name'),
  expire: (c) => c.expire('acme', 'name', null),
  addColumn: (c) => c.addColumn('another', 'field'),
  removeColumn: (c) => c.removeColumn('column'),
  rotateKek: (c) => c.rotateKek(),
  rotateDek: (c) => c.rotateDek('acme'),
  suspendKek: (c) => c.suspendKek(1),
  resumeKek: (c) => c.resumeKek(1),
  compromiseKek: (c) => c.compromiseKek(1),
  destroyKek: (c) => c.destroyKek(1),
  retireProject: (c) => c.retireProject('acme'),
  unreadableDeks: (c) => c.unreadableDeks({ discard: true }),
  addRoot: (c, folder) => c.addRoot(`file:${folder}/second.key`),
  replaceRoot: (c, folder) => c.replaceRoot(1, `file:${folder}/second.key`),
  removeRoot: (c) => c.removeRoot(1),
  compromiseRoot: (c) => c.compromiseRoot(1),
  maintain: (c) => c.maintain(),
};

test('every method is in a class', () => {
  const methods = Object.getOwnPropertyNames(Client.prototype).filter(
    (name) => !['constructor', 'open'].includes(name) && !name.startsWith('_'));
  assert.deepEqual(methods.sort(), [...Object.keys(reads), ...Object.keys(changes)].sort());
});

/** A store whose keys were put back, on a machine that has seen the newer ones. */
function exercise(kind, make) {
  describe(kind, { skip: withoutCli }, () => {
    let store;
    let options;
    before(async () => {
      store = await make();
      options = { ...store.options, state: `${store.folder}/state` };
      const environment = { ...store.environment, ROWSEAL_STATE: options.state };
      cli(environment, ['root', 'keygen', '--output', `${store.folder}/second.key`]);
      cli(environment, ['secret', 'put', 'acme', 'name', '--kind', 'webhook'], 'value');
      const client = await connect(options);
      await client.addColumn('column', 'field');
      sealed = await client.sealValue('acme', 'column', 'value');
      await client.close();
      await store.keep();
      cli(environment, ['kek', 'rotate']);
      await store.putBack();
    });
    after(() => store?.end());

    for (const [name, call] of Object.entries(reads)) {
      test(`${name} works`, async () => {
        const client = await connect(options);
        await call(client, store.folder);
        if (name !== 'close') await client.close();
      });
    }
    for (const name of ['get', 'openValue', 'signWebhook']) {
      test(`${name} is refused where the app chose so`, async () => {
        const client = await connect({ ...options, onRollback: 'refuse' });
        await assert.rejects(async () => reads[name](client), { code: 'refused_by_state' });
        await client.close();
      });
    }
    test('another installation than the one named is refused', async () => {
      const client = await connect(options);
      const { installation } = await client.keyStatus();
      await client.close();
      const same = await connect({ ...options, installation });
      await same.close();
      const other = installation.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
      await assert.rejects(connect({ ...options, installation: other }), { code: 'integrity' });
      for (const wrong of [{ installation: 'none' }, { onRollback: 'warn' }]) {
        await assert.rejects(connect({ ...options, ...wrong }), { code: 'invalid_argument' });
      }
    });
    for (const [name, call] of Object.entries(changes)) {
      test(`${name} is refused`, async () => {
        const client = await connect(options);
        await assert.rejects(async () => call(client, store.folder), (error) => {
          assert.equal(error.code, 'refused_by_state', error.message);
          assert.match(error.message, /an older copy of the store/);
          return true;
        });
        await client.close();
      });
    }
  });
}

exercise('SQLite', () => {
  const store = sqliteStore();
  const file = `${store.folder}/secrets.db`;
  const copy = (from, to) => {
    for (const rest of ['', '-wal', '-shm']) {
      rmSync(to + rest, { force: true });
      if (rest !== '-shm' && existsSync(from + rest)) copyFileSync(from + rest, to + rest);
    }
  };
  return { ...store,
    keep: () => copy(file, `${store.folder}/kept.db`),
    putBack: () => copy(`${store.folder}/kept.db`, file) };
});

describe('PostgreSQL', { skip: withoutCli }, async () => {
  const server = await startServer();
  if (!server) return;
  after(() => server.end());
  exercise('a pool', () => {
    const store = postgresStore(server);
    const tables = ['installation', 'root_key', 'kek', 'kek_wrapping', 'dek'];
    const all = (sql) => store.pool.query(
      `BEGIN; SET LOCAL session_replication_role = replica; ${sql} COMMIT;`);
    return { ...store,
      keep: () => all(tables.map((t) => `CREATE TABLE kept_${t} AS TABLE rowseal.${t};`).join('')),
      putBack: () => all([...tables].reverse().map((t) => `DELETE FROM rowseal.${t};`).join('') +
        tables.map((t) => `INSERT INTO rowseal.${t} SELECT * FROM kept_${t};`).join('')) };
  });
});
