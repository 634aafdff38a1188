// The packages as published: installed without a registry and without install scripts, they work.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { sqliteStore, withoutCli } from './support/stores.js';

const addon = process.env.ROWSEAL_NODE_ADDON
  ?? path.resolve(import.meta.dirname, '../build/rowseal.node');

test('the packed packages install offline and serve', { skip: withoutCli }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rowseal-package-'));
  const store = sqliteStore();
  try {
    const environment = { ...process.env, ROWSEAL_PACKAGES: folder,
      npm_config_cache: path.join(folder, 'cache') };
    delete environment.ROWSEAL_NODE_ADDON;
    execFileSync(process.execPath,
      [path.resolve(import.meta.dirname, '../scripts/pack.mjs'), addon], { env: environment });
    const app = path.join(folder, 'app');
    execFileSync('mkdir', [app]);
    writeFileSync(path.join(app, 'package.json'), '{"type": "module"}');
    const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
      .map((name) => path.join(folder, name));
    assert.equal(tarballs.length, 2);
    execFileSync('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', ...tarballs],
      { cwd: app, env: environment, stdio: 'ignore' });
    writeFileSync(path.join(app, 'app.js'), `
      import { connect } from 'rowseal';
      const client = await connect(JSON.parse(process.argv[2]));
      await client.put('acme', 'a', 'b');
      console.log((await client.get('acme', 'a')).reveal());
      await client.close();`);
    const said = execFileSync(process.execPath, ['app.js', JSON.stringify(store.options)],
      { cwd: app, env: environment });
    assert.equal(String(said), 'b\n');
    const libraries = String(execFileSync('ldd', [addon]));
    assert.doesNotMatch(libraries, /libpq|libcrypto|libsodium|libsqlite3/);
  } finally {
    store.end();
    rmSync(folder, { recursive: true });
  }
});
