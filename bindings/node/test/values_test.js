// What an app's objects cannot do: say another size than they have, show another value later, or make a
// call leave copies of a value behind.
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { connect, RowsealError } from '../src/index.js';
import { sqliteStore, withoutCli } from './support/stores.js';

const isBadArgument = (error) => {
  assert.ok(error instanceof RowsealError, String(error));
  assert.equal(error.code, 'invalid_argument', error.message);
  return true;
};

describe('values', { skip: withoutCli }, () => {
  let store;
  let client;
  before(async () => {
    store = sqliteStore();
    client = await connect(store.options);
    await client.addColumn('cell', 'field');
  });
  after(async () => {
    await client?.close();
    store?.end();
  });

  const stored = async (name) => (await client.get('acme', name)).value;

  test('a subclass that lies about its size is read as it is', async () => {
    class Lying extends Uint8Array {
      get byteLength() { return 4096; }
      get length() { return 4096; }
      get byteOffset() { return 0; }
      get buffer() { return new ArrayBuffer(4096); }
      get [Symbol.toStringTag]() { return 'Uint16Array'; }
      subarray() { return new Uint8Array(4096); }
    }
    for (const size of [0, 1, 32, 64, 65, 300]) {
      const value = new Lying(size);
      Uint8Array.prototype.fill.call(value, 7);
      await client.put('acme', 'lying', value);
      assert.deepEqual(await stored('lying'), Buffer.alloc(size, 7));
      const sealed = await client.sealValue('acme', 'cell', value);
      assert.deepEqual(await client.openValue('acme', 'cell', sealed), Buffer.alloc(size, 7));
    }
  });

  test('own properties of a view do not count', async () => {
    const value = Buffer.from([1, 2, 3]);
    for (const name of ['byteLength', 'length', 'byteOffset']) Object.defineProperty(value, name, { value: 900 });
    await client.put('acme', 'own', value);
    assert.deepEqual(await stored('own'), Buffer.from([1, 2, 3]));
  });

  test('what is no Uint8Array is rejected, whatever it inherits from', async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    for (const value of [new Proxy(bytes, {}), new Proxy(bytes, { get: (_, name) => bytes[name] }),
      Object.create(bytes), Object.create(Uint8Array.prototype), { __proto__: Buffer.prototype, length: 3 },
      new Uint16Array(2), new DataView(new ArrayBuffer(2)), new ArrayBuffer(2), [1, 2], null, undefined, 7,
      new String('text')]) {
      await assert.rejects(client.put('acme', 'odd', value), isBadArgument);
      await assert.rejects(client.sealValue('acme', 'cell', value), isBadArgument);
      await assert.rejects(client.signWebhook('acme', 'odd', { body: value }), isBadArgument);
    }
  });

  test('memory that is gone is rejected, not stored as an empty value', async () => {
    const transferred = new Uint8Array([1, 2, 3]);
    structuredClone(transferred.buffer, { transfer: [transferred.buffer] });
    const resizable = new ArrayBuffer(64, { maxByteLength: 128 });
    const cutOff = new Uint8Array(resizable, 32, 32);
    const tracking = new Uint8Array(resizable, 16);
    resizable.resize(8);
    for (const value of [transferred, cutOff, tracking]) {
      await assert.rejects(client.put('acme', 'gone', value), isBadArgument);
      await assert.rejects(client.sealValue('acme', 'cell', value), isBadArgument);
    }
    await client.put('acme', 'there', new Uint8Array(resizable, 8));
    assert.equal((await stored('there')).length, 0);
  });

  test('memory that a later item takes away is noticed', async () => {
    for (const size of [32, 300]) {
      const first = new Uint8Array(size).fill(1);
      const second = {
        name: 'second',
        get value() {
          if (first.byteLength > 0) structuredClone(first.buffer, { transfer: [first.buffer] });
          return 'x';
        },
      };
      await assert.rejects(client.putMany('acme', [{ name: 'first', value: first }, second]), isBadArgument);
      await assert.rejects(client.get('acme', 'first'));
    }
  });

  test('a view that tracks its memory is read once, in its size then', async () => {
    const memory = new ArrayBuffer(8, { maxByteLength: 512 });
    const tracking = new Uint8Array(memory).fill(3);
    const growing = { name: 'b', get value() { memory.resize(512); return 'x'; } };
    await client.putMany('acme', [{ name: 'a', value: tracking }, growing]);
    const value = await stored('a');
    assert.ok([8, 512].includes(value.length));
    assert.deepEqual(value.subarray(0, 8), Buffer.alloc(8, 3));
    assert.ok(value.subarray(8).every((byte) => byte === 0));
  });

  test('a view that grows beyond what a value may have is rejected', async () => {
    const memory = new ArrayBuffer(8, { maxByteLength: 17 * 2 ** 20 });
    const growing = { name: 'b', get value() { memory.resize(17 * 2 ** 20); return 'x'; } };
    await assert.rejects(
      client.putMany('acme', [{ name: 'grown', value: new Uint8Array(memory) }, growing]), isBadArgument);
    await assert.rejects(client.get('acme', 'grown'), { code: 'not_found' });
  });

  test('shared memory is read once', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(5);
    const call = client.put('acme', 'shared', shared);
    shared.fill(6);
    await call;
    assert.deepEqual(await stored('shared'), Buffer.alloc(100, 5));
  });

  test('getters are asked once', async () => {
    let asked = 0;
    const item = { name: 'once', get value() { return `value ${++asked}`; } };
    await client.putMany('acme', [item]);
    assert.equal(String(await stored('once')), 'value 1');
    const options = { get actor() { return asked++ === 1 ? 'somebody' : ''; } };
    await client.put('acme', 'actor', 'x', options);
    assert.equal((await client.auditLog('acme', { limit: 1 }))[0].actor, 'somebody');
  });

  test('lists that lie about their length are copied or rejected', async () => {
    const items = [{ name: 'l1', value: 'a' }, { name: 'l2', value: 'b' }];
    let asked = 0;
    const changing = new Proxy(items, {
      get: (list, name) => (name === 'length' ? (asked++ === 0 ? 2 : 1000) : Reflect.get(list, name)),
    });
    assert.equal((await client.putMany('acme', changing)).length, 2);
    for (const length of [-1, 1.5, NaN, Infinity, '2', 2 ** 53]) {
      const odd = new Proxy([], { get: (list, name) => (name === 'length' ? length : list[name]) });
      await assert.rejects(client.putMany('acme', odd), isBadArgument);
    }
    class Odd extends Array {
      map() { return []; }
      static get [Symbol.species]() { return Object; }
    }
    assert.equal((await client.putMany('acme', Odd.from(items))).length, 2);
    assert.equal((await client.getMany('acme', Odd.from(['l1', 'l2']))).length, 2);
    const sealed = await client.sealValues('acme', 'cell', Odd.from([{ value: 'x' }, { value: 'y' }]));
    assert.equal(sealed.length, 2);
    for (const hole of [[, items[0]], [null], ['text']]) {  // eslint-disable-line no-sparse-arrays
      await assert.rejects(client.putMany('acme', hole), isBadArgument);
    }
  });

  test('what a call needs is not guessed, and is looked at before the call begins', async () => {
    await client.put('acme', 'careful', 'one');
    await assert.rejects(client.rollback('acme', 'careful'), isBadArgument);
    await assert.rejects(client.expire('acme', 'careful'), isBadArgument);
    for (const row of [NaN, Infinity, 1e21, 0.5, 2 ** 53]) {
      await assert.rejects(client.sealValue('acme', 'cell', 'x', { row }), isBadArgument);
    }
    for (const signal of [{}, { aborted: false }, 'stop', null]) {
      await assert.rejects(client.sealValues('acme', 'no column', [{ value: 'x' }], { signal }),
        isBadArgument);
      await assert.rejects(client.maintain({ signal }), isBadArgument);
    }
    assert.equal((await client.versions('acme', 'careful')).length, 1);
  });

  test('a setter on Object.prototype takes no outcome away', async () => {
    const names = ['error', 'value', 'code', 'hint', 'values', 'errors', 'version', 'valid', 'count', 'items'];
    for (const name of names) {
      Object.defineProperty(Object.prototype, name,
        { __proto__: null, set() {}, get() { return undefined; }, configurable: true });
    }
    let outcomes;
    try {
      outcomes = await Promise.allSettled([client.get('acme', 'nowhere'),
        client.put('acme', 'setters', 'one').then(() => client.versions('acme', 'setters'))]);
    } finally {
      for (const name of names) delete Object.prototype[name];
    }
    assert.equal(outcomes[0].reason?.code, 'not_found');
    assert.equal(outcomes[1].value?.[0].version, 1);
  });

  test('what is put on Object.prototype is no option', async () => {
    const polluted = { createOnly: true, allOrNone: true, expiresAt: new Date(0), kind: 'webhook',
      actor: 'polluted', reason: 'polluted', client: { query: () => assert.fail('asked') }, version: 7,
      limit: 0, row: 'r', signal: AbortSignal.abort(),
      error: { code: 'internal', message: 'polluted' } };
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(Object.prototype, name,
        { __proto__: null, value, configurable: true, writable: true });
    }
    try {
      await client.put('acme', 'proto', 'one');
      await client.put('acme', 'proto', 'two', {});
      const secret = await client.get('acme', 'proto', {});
      assert.equal(secret.reveal(), 'two');
      assert.equal(secret.kind, 'workflow');
      assert.equal(secret.expiresAt, null);
      await client.sealValue('acme', 'cell', 'x', {});
      await client.put('acme', 'proto hook', 'secret');
      const scheme = { body: 'b', header: 'x-signature', prefix: 'sha256=' };
      const signature = await client.signWebhook('acme', 'proto hook', scheme);
      const verdict = await client.verifyWebhook('acme', 'proto hook',
        { ...scheme, headers: { 'x-signature': signature } });
      assert.equal(verdict.valid, true);
      const entries = await client.auditLog('acme', {});
      assert.ok(entries.length > 1 && entries.every(({ actor }) => actor !== 'polluted'));
    } finally {
      for (const name of Object.keys(polluted)) delete Object.prototype[name];
    }
  });
});

/** Tells whether bytes are anywhere in this process. They are given inverted, so as not to find themselves. */
function isInMemory(inverted) {
  const beginning = Buffer.from(inverted.subarray(0, 4).map((byte) => ~byte));
  const memory = openSync('/proc/self/mem', 'r');
  const chunk = Buffer.allocUnsafeSlow(1 << 20);
  let found = false;
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (!from) continue;
    const end = BigInt(`0x${to}`);
    for (let at = BigInt(`0x${from}`); at < end && !found; at += BigInt(chunk.length - 128)) {
      let size = 0;
      try {
        size = readSync(memory, chunk, 0, Math.min(chunk.length, Number(end - at)), at);
      } catch {
        break;  // pages of the kernel's
      }
      for (let i = chunk.indexOf(beginning); i >= 0 && i + inverted.length <= size && !found;
        i = chunk.indexOf(beginning, i + 1)) {
        found = inverted.every((byte, j) => chunk[i + j] === (~byte & 0xff));
      }
    }
  }
  chunk.fill(0);
  closeSync(memory);
  return found;
}

describe('what a call leaves in memory', { skip: withoutCli }, () => {
  let store;
  let client;
  before(async () => {
    store = sqliteStore();
    client = await connect(store.options);
    await client.addColumn('cell', 'field');
  });
  after(async () => {
    await client?.close();
    store?.end();
  });

  /** Gives a value in old memory of the engine, which is not moved any more, and its bytes inverted. */
  function oldValue(size, isOnHeap) {
    const value = isOnHeap ? new Uint8Array(size) : new Uint8Array(new ArrayBuffer(size));
    gc();
    gc();
    const inverted = randomFillSync(new Uint8Array(size));
    for (let i = 0; i < size; ++i) value[i] = ~inverted[i];
    return { value, inverted };
  }

  const calls = {
    put: (value) => client.put('acme', 'name', value),
    putMany: (value) => client.putMany('acme', [{ name: 'a', value }, { name: 'b', value: 'x' }]),
    sealValue: (value) => client.sealValue('acme', 'cell', value),
    'a put that is rejected': (value) => client.put('acme', 'name', value, { actor: 7 }).catch(() => {}),
    'a batch with a bad part': (value) => client.putMany('acme', [{ name: 'a', value }, {}]).catch(() => {}),
    'a put of a name that no secret has': (value) => client.put('acme', '', value).catch(() => {}),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const [size, isOnHeap] of [[16, true], [64, true], [16, false], [64, false], [65, false], [5000, false]]) {
      test(`${name}: no copy of ${size} bytes, ${isOnHeap ? 'inside' : 'outside'} the heap`, async () => {
        const { value, inverted } = oldValue(size, isOnHeap);
        assert.ok(isInMemory(inverted), 'the search finds what is there');
        await call(value);
        value.fill(0);
        gc();
        assert.ok(!isInMemory(inverted));
      });
    }
  }
});
