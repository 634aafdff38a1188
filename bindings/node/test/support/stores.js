// Stores of a test's own: a SQLite file, or a database on a PostgreSQL server that ends with the test.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import pg from 'pg';

/** The program `rowseal`; tests that need it are skipped, with a reason, where it is not built. */
export const CLI = process.env.ROWSEAL_CLI ?? '';
export const withoutCli = CLI ? false : 'ROWSEAL_CLI names no program: the store is made with it';

// Programs that the tests start get no library that was put before Node.js alone (a sanitizer's).
const { LD_PRELOAD: _, ...forPrograms } = process.env;

export function cli(environment, args, input = '') {
  return execFileSync(CLI, args,
    { input, env: { ROWSEAL_STATE: 'none', ...forPrograms, ...environment } });
}

/**
 * Makes a SQLite store; gives `connect`'s options and the program's environment. `change` runs SQL that
 * changes rows outside Rowseal, with tables as TABLE(name).
 */
export function sqliteStore() {
  const folder = mkdtempSync(path.join(tmpdir(), 'rowseal-node-'));
  const environment = { ROWSEAL_STORE: `sqlite:${folder}/secrets.db`,
    ROWSEAL_ROOT: `file:${folder}/root.key` };
  cli(environment, ['init']);
  return { folder, environment,
    options: { db: environment.ROWSEAL_STORE, root: environment.ROWSEAL_ROOT, actor: 'test' },
    change: (sql) => execFileSync('sqlite3',
      [`${folder}/secrets.db`, sql.replaceAll(/TABLE\((\w+)\)/g, '$1')]),
    end: () => rmSync(folder, { recursive: true }) };
}

/** Starts a server, or gives null where none is installed. */
export async function startServer() {
  const holder = spawn('/usr/bin/python3',
    [path.join(import.meta.dirname, 'postgres_holder.py')],
    { stdio: ['pipe', 'pipe', 'inherit'], env: forPrograms });
  const [line] = await once(createInterface(holder.stdout), 'line');
  if (line === 'none') return null;
  return { port: Number(line),
    end: async () => { holder.stdin.end(); await once(holder, 'exit'); } };
}

/** Makes a store in the server's database `postgres`, and a pool. */
export function postgresStore(server) {
  const folder = mkdtempSync(path.join(tmpdir(), 'rowseal-node-'));
  const environment = { ROWSEAL_STORE: 'postgres:///postgres',
    ROWSEAL_ROOT: `file:${folder}/root.key`, PGHOST: '127.0.0.1', PGPORT: String(server.port),
    PGUSER: 'postgres' };
  cli(environment, ['init']);
  const pool = new pg.Pool({ host: '127.0.0.1', port: server.port, user: 'postgres',
    database: 'postgres', max: 4 });
  pool.on('error', () => {});
  return { folder, environment, pool,
    options: { db: pool, root: environment.ROWSEAL_ROOT, actor: 'test' },
    change: (sql) => pool.query(sql.replaceAll(/TABLE\((\w+)\)/g, 'rowseal.$1')),
    end: async () => { await pool.end(); rmSync(folder, { recursive: true }); } };
}
