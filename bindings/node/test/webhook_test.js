// Webhook signatures: GitHub's, beside @octokit/webhooks-methods, published vectors, and refusals.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { sign, verify } from '@octokit/webhooks-methods';

import { connect } from '../src/index.js';
import { cli, sqliteStore, withoutCli } from './support/stores.js';

const SECRET = 'whsec_' + 'canary'.repeat(4);
const BODY = JSON.stringify({ action: 'opened', text: 'ä' });

describe('webhooks', { skip: withoutCli }, () => {
  let store;
  let client;
  const check = (headers, more = {}) =>
    client.verifyWebhook('acme', 'hook', { body: BODY, headers, ...more });
  const refusal = async (reason, headers, more) => {
    const verdict = await check(headers, more);
    assert.equal(verdict.valid, false);
    assert.equal(verdict.reason, reason, JSON.stringify(verdict));
    assert.ok(verdict.hint);
  };

  before(async () => {
    store = sqliteStore();
    client = await connect(store.options);
    await client.put('acme', 'hook', SECRET, { kind: 'webhook' });
  });
  after(async () => {
    await client.close();
    store.end();
  });

  test('signatures are those of @octokit/webhooks-methods', async () => {
    const theirs = await sign(SECRET, BODY);
    assert.deepEqual(await check({ 'X-Hub-Signature-256': theirs }), { valid: true, version: 1 });
    assert.ok((await check(new Headers({ 'x-hub-signature-256': theirs }))).valid);
    const ours = await client.signWebhook('acme', 'hook', { body: Buffer.from(BODY) });
    assert.equal(ours, theirs);
    assert.ok(await verify(SECRET, BODY, ours));
  });

  test('RFC 4231 case 2, and every hash and encoding', async () => {
    await client.put('acme', 'jefe', 'Jefe');
    assert.equal(
      await client.signWebhook('acme', 'jefe', { body: 'what do ya want for nothing?', prefix: '' }),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
    for (const hash of ['sha1', 'sha256', 'sha512']) {
      for (const encoding of ['hex', 'base64']) {
        const expected = `v=${createHmac(hash, SECRET).update(BODY).digest(encoding)}`;
        const scheme = { hash, encoding, prefix: 'v=', header: 'x-sig' };
        assert.equal(await client.signWebhook('acme', 'hook', { body: BODY, ...scheme }), expected);
        assert.ok((await check({ 'X-Sig': expected }, scheme)).valid);
      }
    }
  });

  test('what is no signature is refused, with a reason and a hint', async () => {
    const good = await sign(SECRET, BODY);
    const digits = good.slice('sha256='.length);
    for (const missing of [undefined, null, {}, '', { 'x-hub-signature-256': '' }, new Headers()]) {
      await refusal('missing', missing);
    }
    await refusal('duplicate', { 'x-hub-signature-256': [good, good] });
    await refusal('duplicate', new Headers([['x-hub-signature-256', good], ['x-hub-signature-256', good]]));
    await refusal('malformed', digits);
    await refusal('malformed', good.slice(0, -2));
    await refusal('malformed', `${good}00`);
    await refusal('malformed', `sha256=${digits.toUpperCase()}`);
    await refusal('malformed', `sha256=${Buffer.from(digits, 'hex').toString('base64')}`);
    await refusal('mismatch', `sha256=${'0'.repeat(64)}`);
    await refusal('mismatch', good, { body: JSON.stringify(JSON.parse(BODY), null, 1) });
    await assert.rejects(check(good, { body: JSON.parse(BODY) }), { code: 'invalid_argument' });
    await assert.rejects(check(good, { overlapSeconds: -1 }), { code: 'invalid_argument' });
    await assert.rejects(client.verifyWebhook('acme', 'none', { body: BODY, headers: good }),
      { code: 'not_found' });
  });

  test('the version before is accepted while it is being rotated, and only then', async () => {
    await client.put('acme', 'turning', 'old');
    await client.put('acme', 'turning', 'new');
    const ask = async (secret, overlapSeconds) => client.verifyWebhook('acme', 'turning',
      { body: BODY, headers: await sign(secret, BODY), overlapSeconds });
    assert.deepEqual(await ask('new', 0), { valid: true, version: 2 });
    assert.equal((await ask('old', 0)).reason, 'mismatch');
    assert.deepEqual(await ask('old', 3600), { valid: true, version: 1 });
    await client.put('acme', 'turning', 'newest');
    assert.equal((await ask('old', 3600)).reason, 'mismatch');
  });

  test('an empty secret neither verifies nor signs', async () => {
    await assert.rejects(client.put('acme', 'void', '', { kind: 'webhook' }), { code: 'invalid_argument' });
    for (const nothing of ['', '\0\0', '\n', 'whsec_']) {
      await client.put('acme', 'void', nothing);
      await assert.rejects(client.signWebhook('acme', 'void', { body: BODY }), { code: 'refused_by_state' });
      const signature = `sha256=${createHmac('sha256', nothing).update(BODY).digest('hex')}`;
      await assert.rejects(client.verifyWebhook('acme', 'void', { body: BODY, headers: signature }),
        { code: 'refused_by_state' });
    }
  });

  test('the secret is not in the heap after a verification', () => {
    const canary = randomBytes(18).toString('hex');
    cli(store.environment, ['secret', 'put', 'acme', 'canary'], canary);
    const signature = `sha256=${createHmac('sha256', canary).update(BODY).digest('hex')}`;
    const snapshot = path.join(store.folder, 'verify.heapsnapshot');
    const said = execFileSync(process.execPath,
      [path.join(import.meta.dirname, 'support/verify_then_snapshot.js'), store.options.db,
        store.options.root, signature, BODY, snapshot]);
    assert.deepEqual(JSON.parse(said), { valid: true, version: 1 });
    const heap = readFileSync(snapshot);
    assert.ok(heap.includes(signature), 'the snapshot must show what the heap does hold');
    assert.ok(!heap.includes(canary));
  });
});
