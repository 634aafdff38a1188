// A SvelteKit app over the packed packages: built with adapter-node and served, and on the development
// server. SvelteKit 3 where Node.js is new enough for it, else 2. Needs npm's registry.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { appEnvironment, pack } from '../support/packages.js';
import { sqliteStore, withoutCli } from '../support/stores.js';

const kit = process.versions.node.split('.')[0] >= 24 ? 'kit_3' : 'kit_2';

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

/** Tells how many times a process has a store's file open: once a client. */
function clientsOf(pid, store) {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(path.join(folder, fd)) === path.join(store.folder, 'secrets.db');
    } catch {
      return false;  // closed since
    }
  }).length;
}

describe(`an app of SvelteKit (${kit})`, { skip: withoutCli, timeout: 120_000 }, () => {
  let folder;
  let store;
  let environment;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'rowseal-sveltekit-'));
    store = sqliteStore();
    environment = appEnvironment(store.environment);
    for (const part of ['app', kit]) {
      cpSync(path.join(import.meta.dirname, part), folder, { recursive: true });
    }
    const { rowseal, forPlatform } = pack(folder);
    // On this Node.js: npm leaves out the compilers that the machine's may be too old for.
    const npm = (...args) => execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--loglevel=error'],
      { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...environment, PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` } });
    npm('ci');
    npm('install', '--offline', rowseal, forPlatform);
  });
  after(() => {
    store.end();
    rmSync(folder, { recursive: true });
  });

  const vite = (...args) => [path.join(folder, 'node_modules/vite/bin/vite.js'), ...args];

  /** Runs a server until `use(address, pid)` has ended. */
  async function whileServing(program, use) {
    const port = await freePort();
    const server = spawn(process.execPath, program(port), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment, HOST: '127.0.0.1', PORT: port, ORIGIN: `http://127.0.0.1:${port}` } });
    let said = '';
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => { said += text; });
    try {
      const address = `http://127.0.0.1:${port}`;
      while (!await fetch(`${address}/hook`).catch(() => null)) {
        assert.equal(server.exitCode, null, said);
        await sleep(50);
      }
      await use(address, server.pid);
    } catch (error) {
      throw new Error(`the server said: ${said}`, { cause: error });
    } finally {
      server.kill();
      if (server.exitCode === null) await once(server, 'exit');
    }
  }

  async function put(address, name, value) {
    const answer = await fetch(`${address}/secrets/${name}`, { method: 'PUT', body: value,
      headers: { 'Content-Type': 'application/octet-stream' } });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  }

  async function servesSecretsAndWebhooks(address) {
    await put(address, 'key', 'sk_ä');
    assert.equal(await (await fetch(`${address}/secrets/key`)).text(), 'sk_ä');
    await put(address, 'hook', 'whsec');
    const body = '{"action": "opened"}';
    const signature = `sha256=${createHmac('sha256', 'whsec').update(body).digest('hex')}`;
    const post = (headers) => fetch(`${address}/hook`,
      { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } });
    assert.equal((await post({ 'X-Hub-Signature-256': signature })).status, 200);
    assert.equal((await post({ 'X-Hub-Signature-256': signature.replace(/.$/, '!') })).status, 401);
    assert.equal((await post({})).status, 401);
  }

  test('serves secrets and webhooks once it is built', async () => {
    execFileSync(process.execPath, vite('build'), { cwd: folder, env: environment, stdio: 'pipe' });
    await whileServing(() => ['build'], servesSecretsAndWebhooks);
  });

  test('keeps one client across reloads of its development server', async () => {
    const module = path.join(folder, 'src/lib/server/secrets.js');
    const code = readFileSync(module, 'utf8');
    await whileServing((port) => vite('dev', '--host', '127.0.0.1', '--port', port, '--strictPort'),
      async (address, pid) => {
        await servesSecretsAndWebhooks(address);
        const first = (await put(address, 'key', 'v')).evaluations;
        assert.equal(clientsOf(pid, store), 1);
        // Changed until the server has seen it twice: its watcher misses one now and then.
        for (let now = first; now < first + 2; now = (await put(address, 'key', 'v')).evaluations) {
          writeFileSync(module, `${code}// ${Date.now()}\n`);
          await sleep(200);
        }
        assert.equal(clientsOf(pid, store), 1);
      });
  });
});
