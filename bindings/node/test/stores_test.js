// What every store does, on SQLite and on PostgreSQL through `pg`.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';

import { connect, RowsealError } from '../src/index.js';
import { cli, postgresStore, sqliteStore, startServer, withoutCli } from './support/stores.js';

const code = (wanted) => (error) => {
  assert.ok(error instanceof RowsealError, inspect(error));
  assert.equal(error.code, wanted, error.message);
  return true;
};

/** The reader of docs/spec, which shares no code with Rowseal, opens every row. */
function readWithTheReferenceReader({ folder }) {
  const reader = path.resolve(import.meta.dirname, '../../../docs/spec/reference_reader.py');
  const python = spawnSync('/usr/bin/python3', ['-c', 'import cryptography']);
  if (python.status !== 0) return;
  execFileSync('/usr/bin/python3',
    [reader, '--store', `${folder}/secrets.db`, '--root-key-file', `${folder}/root.key`]);
}

function exercise(kind, make) {
  describe(kind, { skip: withoutCli }, () => {
    let store;
    let client;
    before(async () => {
      store = await make();
      client = await connect(store.options);
    });
    after(async () => {
      await client?.close();
      await store?.end();
    });

    test('a value comes back byte for byte', async () => {
      const stored = await client.put('acme', 'hook', 'whsec_ä', { kind: 'webhook' });
      assert.equal(stored.version, 1);
      const secret = await client.get('acme', 'hook');
      assert.equal(secret.reveal(), 'whsec_ä');
      assert.equal(secret.kind, 'webhook');
      assert.ok(!inspect(secret).includes('whsec') && !JSON.stringify(secret).includes('whsec'));
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await client.put('acme', 'bytes', all);
      assert.deepEqual((await client.get('acme', 'bytes')).value, all);
      await assert.rejects(async () => (await client.get('acme', 'bytes')).reveal(),
        code('invalid_argument'));
    });

    test('a large value and an empty one come back', async () => {
      const large = Buffer.alloc(1 << 20, 'x');
      await client.put('acme', 'large', large);
      assert.ok((await client.get('acme', 'large')).value.equals(large));
      await client.put('acme', 'empty', '');
      assert.equal((await client.get('acme', 'empty')).value.length, 0);
    });

    test('gets of a tick share a statement, each with its own outcome', async () => {
      await client.putMany('acme', [{ name: 'a', value: '1' }, { name: 'b', value: '2' }]);
      const outcomes = await Promise.allSettled(
        ['a', 'missing', 'b'].map((name) => client.get('acme', name)));
      assert.equal(outcomes[0].value.reveal(), '1');
      assert.equal(outcomes[1].reason.code, 'not_found');
      assert.equal(outcomes[2].value.reveal(), '2');
      const [first, second] = await client.getMany('acme', ['a', { name: 'nope' }]);
      assert.equal(first.value.reveal(), '1');
      assert.equal(second.error.code, 'not_found');
    });

    test('lists, versions, rollback, rename, expiry and delete', async () => {
      await client.put('life', 'one', 'v1');
      await client.put('life', 'one', 'v2');
      assert.equal((await client.rollback('life', 'one', 1)).version, 3);
      assert.equal((await client.get('life', 'one')).reveal(), 'v1');
      assert.equal((await client.get('life', 'one', { version: 2 })).reveal(), 'v2');
      assert.deepEqual((await client.versions('life', 'one')).map((v) => v.version), [3, 2, 1]);
      await client.rename('life', 'one', 'two');
      assert.deepEqual((await client.list('life')).map((s) => s.name), ['two']);
      await client.expire('life', 'two', new Date(Date.now() - 1000));
      await assert.rejects(client.get('life', 'two'), code('refused_by_state'));
      await client.delete('life', 'two');
      await assert.rejects(client.get('life', 'two'), code('not_found'));
    });

    test('sealed values open in their place only', async () => {
      await client.addColumn('users.totp', 'cell');
      const sealed = await client.sealValue('acme', 'users.totp', 'JBSW', { row: 42 });
      assert.match(sealed, /^rs1\./);
      assert.equal(String(await client.openValue('acme', 'users.totp', sealed, { row: '42' })), 'JBSW');
      await assert.rejects(client.openValue('acme', 'users.totp', sealed, { row: '43' }),
        code('integrity'));
      assert.deepEqual(await client.openIfSealed('acme', 'users.totp', 'plain', { row: '42' }),
        { value: Buffer.from('plain'), sealed: false });
      await assert.rejects(client.openIfSealed('acme', 'users.totp', 'rs1.x', { row: '42' }),
        code('integrity'));
    });

    test('many sealed values of a column go with one call, each with its own outcome', async () => {
      const items = Array.from({ length: 1500 }, (_, i) => ({ value: `totp ${i}`, row: i }));
      const sealed = await client.sealValues('many', 'users.totp', items);
      const given = sealed.map(({ value }, row) => ({ sealed: value, row }));
      given[7] = { ...given[7], row: 8 };
      given[1400] = { sealed: 'plain', row: 1400 };
      const opened = await client.openValues('many', 'users.totp', given);
      assert.equal(opened.length, 1500);
      for (const [i, { value, error }] of opened.entries()) {
        if (i === 7 || i === 1400) assert.equal(error.code, 'integrity');
        else assert.equal(String(value), `totp ${i}`);
      }
      assert.deepEqual(await client.openValues('many', 'users.totp', []), []);
      await assert.rejects(client.openValues('many', 'no.column', given), code('not_found'));
    });

    test('columns and the log can be read', async () => {
      await client.addColumn('gone', 'field');
      await client.removeColumn('gone');
      const columns = await client.columns();
      const [totp, gone] = ['users.totp', 'gone'].map(
        (label) => columns.find((column) => column.label === label));
      assert.ok(totp.state === 'active' && totp.context === 'cell' && totp.createdAt instanceof Date);
      assert.equal(gone.state, 'removed');
      await client.put('logged', 'one', 'v', { reason: 'set-up', actor: 'someone' });
      await client.get('logged', 'one');
      const [read, written] = await client.auditLog('logged');
      assert.deepEqual([read.action, read.outcome, read.actor], ['get', 'granted', 'test']);
      assert.deepEqual([written.action, written.reason, written.actor], ['put', 'set-up', 'someone']);
      assert.ok(written.at <= read.at && written.at instanceof Date);
      assert.equal((await client.auditLog('logged', { limit: 1 })).length, 1);
    });

    test('what the app does with its buffer before a put has settled changes nothing', async () => {
      const value = Buffer.alloc(3 << 20, 'v');
      const stored = client.put('acme', 'mutated', value);
      value.fill(0);
      structuredClone(value.buffer, { transfer: [value.buffer] });
      await stored;
      const opened = await client.get('acme', 'mutated');
      assert.ok(opened.value.equals(Buffer.alloc(3 << 20, 'v')));
      opened.value.fill(0);
    });

    test('batches of thousands keep their order and their own errors', async () => {
      const items = Array.from({ length: 2500 }, (_, i) => ({ name: `b${i}`, value: `v${i}` }));
      const stored = await client.putMany('batch', items);
      assert.ok(stored.every(({ value }) => value.version === 1));
      const names = items.map(({ name }) => name);
      names[1234] = 'nope';
      const opened = await client.getMany('batch', names);
      assert.equal(opened[1234].error.code, 'not_found');
      assert.ok(opened.every(({ value }, i) => i === 1234 || value.reveal() === `v${i}`));
      assert.equal((await client.list('batch', { limit: 2000 })).length, 2000);
    });

    test('an abort stops jobs, which the next run ends', async () => {
      const stop = new AbortController();
      const rotation = client.rotateDek('batch', { signal: stop.signal });
      stop.abort();
      await assert.rejects(rotation, code('cancelled'));
      const { jobs, failed } = await client.maintain();
      assert.ok(jobs.length >= 1 && failed === 0);
      assert.equal((await client.get('batch', 'b7')).reveal(), 'v7');
    });

    test('what Node seals the program opens, and the reverse', async () => {
      await client.put('swap', 'node', 'from node');
      assert.equal(String(cli(store.environment, ['secret', 'get', 'swap', 'node', '--reveal'])).trim(),
        'from node');
      cli(store.environment, ['secret', 'put', 'swap', 'cli'], 'from cli');
      assert.equal((await client.get('swap', 'cli')).reveal(), 'from cli');
      await client.addColumn('swap.field', 'field');
      const sealed = await client.sealValue('swap', 'swap.field', 'value');
      assert.equal(
        String(cli(store.environment, ['value', 'open', 'swap', 'swap.field'], sealed)), 'value');
    });

    test('roots come and go, and keys are exported and destroyed', async () => {
      const root = (name) => {
        cli({}, ['root', 'keygen', '--output', `${store.folder}/${name}`]);
        return `file:${store.folder}/${name}`;
      };
      await client.put('acme', 'of a root', 'value');
      const spare = await client.addRoot(root('spare.key'));
      assert.ok(spare.proven && spare.failed.length === 0);
      const replaced = await client.replaceRoot(spare.id, root('next.key'));
      assert.deepEqual((await client.roots()).map(({ id }) => id), [1, replaced.id]);
      await assert.rejects(client.addRoot(`file:${store.folder}/next.key`), code('conflict'));
      const done = await client.compromiseRoot(replaced.id);
      assert.ok(done.projects >= 1 && done.kekRotation.failed.length === 0);
      assert.equal((await client.removeRoot(replaced.id)).state, 'compromised');
      await assert.rejects(client.removeRoot(1), code('refused_by_state'));
      const { bundle, keks } = await client.exportKeys();
      assert.ok(bundle.startsWith('rowseal keys 2\n') && keks >= 3);
      const { oldKek } = await client.rotateKek();
      assert.ok((await client.destroyKek(oldKek)).dueAt > new Date());
      const [waiting] = (await client.keks()).filter(({ id }) => id === oldKek);
      assert.ok(waiting.destroyAt instanceof Date && waiting.deks === 0);
      assert.equal((await client.destroyKek(oldKek, { cancel: true })).destroyed, false);
      const { activeKek } = await client.keyStatus();
      await assert.rejects(client.destroyKek(activeKek), code('refused_by_state'));
      await client.put('gone', 'name', 'value');
      assert.ok((await client.retireProject('gone')).destroyAt > new Date());
      await assert.rejects(client.get('gone', 'name'), code('refused_by_state'));
      await client.retireProject('gone', { cancel: true });
      assert.equal((await client.get('gone', 'name')).reveal(), 'value');
      assert.equal((await client.get('acme', 'of a root')).reveal(), 'value');
    });

    test('a KEK is suspended, resumed and replaced', async () => {
      await client.put('acme', 'of a KEK', 'value');
      const { activeKek } = await client.keyStatus();
      assert.equal(await client.suspendKek(activeKek, { reason: 'test' }), 'suspended');
      await assert.rejects(client.get('acme', 'of a KEK'), code('refused_by_state'));
      await assert.rejects(client.suspendKek(activeKek), code('refused_by_state'));
      assert.equal(await client.resumeKek(activeKek), 'active');
      assert.equal((await client.get('acme', 'of a KEK')).reveal(), 'value');
      const done = await client.compromiseKek(activeKek);
      assert.ok(done.newKek > activeKek);
      assert.deepEqual(done.failedDeks, []);
      assert.equal((await client.get('acme', 'of a KEK')).reveal(), 'value');
      await assert.rejects(client.suspendKek(999), code('not_found'));
      await assert.rejects(client.suspendKek('1'), code('invalid_argument'));
    });

    test('keys rotate under readers, and events and metrics say so', async () => {
      const events = [];
      client.on('rotation', (event) => events.push(event.name));
      const before = await client.keyStatus();
      const report = await client.rotateKek({ reason: 'test' });
      assert.ok(report.newKek > before.activeKek && report.failed.length === 0);
      assert.equal((await client.rotateDek('acme')).failed, 0);
      assert.equal((await client.get('acme', 'hook')).reveal(), 'whsec_ä');
      await client.maintain();
      assert.ok(events.includes('kek_rotated'), String(events));
      assert.ok(client.metrics().counters.kek_rotations >= 1);
      assert.match(client.metrics().prometheus, /rowseal_secrets_opened_total/);
      cli(store.environment, ['verify']);
      if (kind === 'SQLite') readWithTheReferenceReader(store);
    });

    test('bad input is a rejected promise with a code', async () => {
      for (const call of [
        () => client.get('acme', 7), () => client.get('acme', '\ud800'), () => client.get('', 'x'),
        () => client.put('acme', 'x', 7), () => client.put('acme', 'x', Buffer.alloc((1 << 24) + 1)),
        () => client.put('acme', 'x', 'v', { expiresAt: new Date(NaN) }),
        () => client.put('acme', 'x', 'v', { kind: 'other' }), () => client.get('acme', 'x\0'),
        () => client.get('acme', 'x', { version: 1.5 }), () => client.list('acme', { limit: 0 }),
      ]) {
        await assert.rejects(call(), code('invalid_argument'), String(call));
      }
      await assert.rejects(client.get('acme', 'hook', { signal: AbortSignal.abort() }),
        code('cancelled'));
    });

    test('an abort ends a read, and nothing else', async () => {
      const controller = new AbortController();
      const call = client.get('acme', 'hook', { signal: controller.signal });
      controller.abort();
      await assert.rejects(call, code('cancelled'));
      assert.equal((await client.get('acme', 'hook')).reveal(), 'whsec_ä');
    });

    test('ten thousand calls that nobody waits for do no harm', async () => {
      for (let i = 0; i < 10_000; ++i) client.get('acme', i % 2 ? 'hook' : 'nope').catch(() => {});
      assert.equal((await client.get('acme', 'hook')).reveal(), 'whsec_ä');
    });

    test('two clients at once; a closed one refuses', async () => {
      const other = await connect(store.options);
      assert.equal((await other.get('acme', 'hook')).reveal(), 'whsec_ä');
      const last = other.get('acme', 'hook');
      await other.close();
      await other.close();
      assert.equal((await last).reveal(), 'whsec_ä');
      await assert.rejects(other.get('acme', 'hook'), code('invalid_argument'));
      assert.equal((await client.get('acme', 'hook')).reveal(), 'whsec_ä');
    });

    test('a row that was changed outside hides no other', async () => {
      await client.put('lists', 'a', 'one');
      await client.put('lists', 'b', 'two');
      await client.addColumn('lists.a', 'field');
      await store.change("UPDATE TABLE(secret) SET kind = 'none' WHERE name = 'b'" +
        " AND project_id = 'lists'");
      await store.change("UPDATE TABLE(sealed_column) SET context = 'none' WHERE label = 'lists.a'");
      const list = await client.list('lists');
      assert.deepEqual(list.map(({ name }) => name), ['a']);
      assert.equal(list.unreadable.length, 1);
      assert.equal(list.unreadable[0].row, "secret 'b'");
      assert.match(list.unreadable[0].message, /kind/);
      assert.deepEqual(Object.keys(list), ['0']);
      const found = await client.unreadableDeks({ project: 'lists', discard: true });
      assert.equal(found.length, 0);
      assert.equal(found.unreadable.length, 1);
      await store.change("UPDATE TABLE(secret) SET kind = 'workflow' WHERE project_id = 'lists'");
      await store.change("UPDATE TABLE(sealed_column) SET context = 'field' WHERE label = 'lists.a'");
      assert.equal((await client.list('lists')).unreadable.length, 0);
      assert.equal((await client.unreadableDeks()).length, 0);
      assert.equal((await client.columns()).unreadable.length, 0);
    });

    test('a DEK that nothing can open is found and discarded', async () => {
      await client.put('lists', 'a', 'one');
      await store.change('INSERT INTO TABLE(dek) (project_id, id, kek_id, purpose, suite, state,' +
        " revision, check_value, wrapped_key, row_tag, created_at, born_epoch) SELECT 'junk'," +
        " '01980f3c-5b7e-7c3a-9d51-2f8e6a4b7c10', kek_id, purpose, suite, state, revision, check_value," +
        " wrapped_key, row_tag, created_at, born_epoch FROM TABLE(dek) WHERE project_id = 'lists'");
      const [found] = await client.unreadableDeks();
      assert.equal(found.project, 'junk');
      assert.equal(found.discarded, false);
      const [gone] = await client.unreadableDeks({ discard: true, reason: 'ticket 7' });
      assert.equal(gone.discarded, true);
      assert.equal((await client.unreadableDeks()).length, 0);
    });

    test('another root key is an error at connect', async () => {
      await assert.rejects(connect({ ...store.options, root: 'file:/nowhere/root.key' }),
        code('root_key_missing'));
    });
  });
}

exercise('SQLite', sqliteStore);

describe('on a server', { skip: withoutCli }, async () => {
  const server = withoutCli ? null : await startServer();
  if (!server) {
    test('PostgreSQL', { skip: 'no PostgreSQL server is installed' }, () => {});
    return;
  }
  after(() => server.end());
  exercise('PostgreSQL', () => postgresStore(server));
});

describe('an older copy of a store', { skip: withoutCli }, () => {
  test('is noticed: values open, nothing is sealed', async () => {
    const store = sqliteStore();
    const options = { ...store.options, state: `${store.folder}/state` };
    const file = `${store.folder}/secrets.db`;
    let client = await connect(options);
    await client.put('acme', 'name', 'value');
    await client.close();
    const files = readdirSync(store.folder).filter((name) => name.startsWith('secrets.db'));
    mkdirSync(`${store.folder}/old`);
    for (const name of files) copyFileSync(`${store.folder}/${name}`, `${store.folder}/old/${name}`);
    client = await connect(options);
    await client.rotateKek();
    await client.close();
    for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true });
    for (const name of files) copyFileSync(`${store.folder}/old/${name}`, `${store.folder}/${name}`);
    client = await connect(options);
    assert.equal((await client.keyStatus()).rolledBack, true);
    assert.equal((await client.get('acme', 'name')).reveal(), 'value');
    await assert.rejects(client.put('acme', 'name', 'new'), code('refused_by_state'));
    await client.close();
    store.end();
  });
});
