// The guide's JavaScript, kept true: each block parses, each call is one that the package has, and
// what is said to come from a file stands there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { findCli } from '../scripts/stack.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const page = readFileSync(path.join(ROOT, 'docs/guides/meshhook.md'), 'utf8');
const blocks = [...page.matchAll(/^```js(| .*)\n([^]*?)^```$/gm)].map(([, info, text]) => {
  const wholes = /^(import|export|(async )?function|const \{)/m.test(text) && !/^ /.test(text);
  return { before: info.trim() === 'before', from: /from=(\S+)/.exec(info)?.[1], text,
    // Lines out of a function's body parse inside one.
    module: wholes ? text : `async (request, params, project, name, event, reason) => {\n${text}}` };
});

test('every block parses', () => {
  assert.ok(blocks.length > 8);
  const folder = mkdtempSync(path.join(tmpdir(), 'guide-'));
  try {
    for (const [i, { module }] of blocks.entries()) {
      const file = path.join(folder, `${i}.mjs`);
      writeFileSync(file, module);
      const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what is shown as the example\'s code is the example\'s code', () => {
  const taken = blocks.filter(({ from }) => from);
  assert.ok(taken.length > 5);
  for (const { from, text } of taken) {
    assert.ok(readFileSync(path.join(ROOT, from), 'utf8').includes(text), `${from} does not hold\n${text}`);
  }
});

test('every call that the guide shows is one that the package has',
  { skip: findCli() ? false : 'ROWSEAL_CLI names no program: nothing is built' }, async () => {
    const { Client } = await import('../../../bindings/node/src/index.js');
    const known = Object.getOwnPropertyNames(Client.prototype);
    const calls = blocks.filter(({ before }) => !before)
      .flatMap(({ text }) => [...text.matchAll(/\bsecrets\s*\.(\w+)\(/g)].map(([, method]) => method));
    assert.ok(calls.length > 5);
    for (const method of calls) assert.ok(known.includes(method), `secrets.${method}`);
  });
