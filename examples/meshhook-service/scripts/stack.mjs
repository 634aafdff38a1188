// All that the service needs, in a temporary folder: a PostgreSQL server on loopback with the app's
// schema and Rowseal's, the service and the worker. Shared by dev.mjs, measure.mjs and the tests.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync,
  symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const EXAMPLE = path.resolve(import.meta.dirname, '..');
const PACKAGE = path.resolve(EXAMPLE, '../../bindings/node');
const DEBIAN = '/usr/lib/postgresql';

/** Gives the folder of the newest server's programs, or null. */
export function postgresPrograms() {
  const found = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => b - a) : [];
  return found.map((version) => path.join(DEBIAN, version, 'bin'))
    .find((folder) => existsSync(path.join(folder, 'initdb'))) ?? null;
}

/** Gives the program `rowseal`, or null where none is built. */
export function findCli() {
  const program = process.env.ROWSEAL_CLI ?? path.join(PACKAGE, 'build/rowseal');
  return existsSync(program) ? program : null;
}

/** Gives a folder to run the app from: this one, or before `npm install` a copy that borrows the package's modules. */
function runnableFolder(copy) {
  if (existsSync(path.join(EXAMPLE, 'node_modules/rowseal'))) return EXAMPLE;
  mkdirSync(path.join(copy, 'node_modules'), { recursive: true });
  for (const part of ['package.json', 'src', 'scripts']) {
    cpSync(path.join(EXAMPLE, part), path.join(copy, part), { recursive: true });
  }
  symlinkSync(PACKAGE, path.join(copy, 'node_modules/rowseal'));
  symlinkSync(path.join(PACKAGE, 'node_modules/pg'), path.join(copy, 'node_modules/pg'));
  return copy;
}

async function freePort() {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** Starts a server; it ends with `end`, or by itself when this process is gone. */
async function startPostgres(data, { durable }) {
  const programs = postgresPrograms();
  if (!programs) throw new Error('no PostgreSQL server is installed: apt-get install postgresql');
  let prefix = [];
  if (process.getuid() === 0) {  // PostgreSQL refuses root
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'])));
    chownSync(data, uid, gid);
    prefix = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  }
  const command = (name, ...args) => [...prefix, path.join(programs, name), ...args];
  const run = ([program, ...args]) => execFileSync(program, args, { cwd: '/', stdio: 'pipe' });
  run(command('initdb', '-D', `${data}/data`, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8',
    '--locale=C.UTF-8', '--no-sync'));
  const port = await freePort();
  const server = spawn('sh', ['-c', '"$@" & cat; kill -INT $!; wait', 'sh',
    ...command('postgres', '-D', `${data}/data`, '-p', String(port), '-k', data,
      '-c', 'listen_addresses=127.0.0.1', '-c', `fsync=${durable ? 'on' : 'off'}`)],
  { cwd: '/', stdio: ['pipe', 'ignore', 'ignore'], detached: true });  // Ctrl-C is for this process
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const isReady = () => {
    try {
      run([path.join(programs, 'pg_isready'), '-q', '-h', '127.0.0.1', '-p', String(port)]);
      return true;
    } catch {
      return false;
    }
  };
  while (!isReady()) await sleep(100);
  return { port, end: () => { server.stdin.end(); return ended; } };
}

/** Starts a program of the app's; resolves when it says `ready`. `said` collects all its output. */
async function startProcess(file, environment, ready, said, show) {
  const child = spawn(process.execPath, [file],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let text = '';
  const line = new Promise((resolve, reject) => {
    const hear = (chunk) => {
      said.push(chunk);
      if (show) process.stdout.write(chunk);
      text += chunk;
      const found = text.split('\n').find((part) => part.includes(`"event":"${ready}"`));
      if (found) resolve(JSON.parse(found));
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('exit', (code) => reject(new Error(`${path.basename(file)} ended with ${code}:\n${text}`)));
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return { first: await line, end: () => { child.kill('SIGTERM'); return ended; } };
}

/**
 * Starts everything but service and worker: `startService` and `startWorker` do that.
 * @param {{durable?: boolean, show?: boolean}} [options] durable: commits are flushed; show: prints logs
 */
export async function startStack({ durable = false, show = false } = {}) {
  const cli = findCli();
  if (!cli) throw new Error('the program rowseal is not built: npm run setup');
  // The root key's file stands where the database is not; the processes get its text (`env:`).
  const [data, rootFolder, appFolder] = ['postgres', 'root', 'app'].map((name) =>
    mkdtempSync(path.join(tmpdir(), `meshhook-${name}-`)));
  const server = await startPostgres(data, { durable });
  const end = async () => {
    await server.end();
    for (const folder of [data, rootFolder, appFolder]) rmSync(folder, { recursive: true, force: true });
  };
  const address = ['-h', '127.0.0.1', '-p', String(server.port)];
  const psql = (user, database, ...args) => String(execFileSync('psql',
    ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...address, '-U', user, '-d', database, ...args],
    { stdio: 'pipe' }));
  const rootFile = path.join(rootFolder, 'root.key');
  const rowsealWith = (input, ...args) => String(execFileSync(cli, args, { input, env: { ...process.env,
    PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'meshhook_owner',
    ROWSEAL_STORE: 'postgres:///meshhook', ROWSEAL_ROOT: `file:${rootFile}`, ROWSEAL_STATE: 'none' } }));
  const rowseal = (...args) => rowsealWith('', ...args);

  try {
    psql('postgres', 'postgres', '-c', 'CREATE ROLE meshhook_owner LOGIN CREATEROLE',
      '-c', 'CREATE DATABASE meshhook OWNER meshhook_owner');
    psql('meshhook_owner', 'meshhook', '-1', '-f', path.join(EXAMPLE, 'schema.sql'));
    rowseal('root', 'keygen', '--output', rootFile);
    rowseal('init', '--projects', 'public.projects', '--project-key', 'id',
      '--metadata-view', 'public.secret_metadata', '--metadata-role', 'authenticated',
      '--metadata-members',
      'id IN (SELECT m.project_id FROM public.memberships m WHERE m.user_id = auth.uid())');
    psql('meshhook_owner', 'meshhook', '-c', 'GRANT rowseal_service TO meshhook_web, meshhook_worker');
  } catch (error) {
    await end();
    throw error;
  }

  const app = runnableFolder(appFolder);
  const said = [];
  const sql = (text, user = 'postgres') => psql(user, 'meshhook', '-c', text).trimEnd();
  const start = (file, name, ready, more = {}) => {
    const environment = { ...process.env, ...more, SERVICE_NAME: name,
      DATABASE_URL: `postgres://meshhook_${name}@127.0.0.1:${server.port}/meshhook`,
      ROWSEAL_ROOT_KEY: readFileSync(rootFile, 'utf8').trim() };
    return startProcess(path.join(app, file), environment, ready, said, show);
  };
  return {
    sql, rowseal, said, address, start,
    startService: (more = {}) => start('src/server.js', 'web', 'listening', { PORT: '0', ...more }),
    startWorker: () => start('src/worker.js', 'worker', 'working'),
    put: (project, name, value) => rowsealWith(value, 'secret', 'put', project, name),
    /** Makes a user with a session; gives the token, of which only the hash is stored. */
    addUser: (email, memberships) => {
      const token = randomBytes(32).toString('base64url');
      const hash = createHash('sha256').update(token).digest('hex');
      const id = sql(`INSERT INTO users (email) VALUES ('${email}') RETURNING id`);
      sql(`INSERT INTO sessions VALUES ('\\x${hash}', '${id}', now() + interval '1 day')`);
      for (const [project, role] of Object.entries(memberships)) {
        sql(`INSERT INTO memberships VALUES ('${project}', '${id}', '${role}')`);
      }
      return { id, token };
    },
    addProject: (name) => sql(`INSERT INTO projects (name) VALUES ('${name}') RETURNING id`),
    addWorkflow: (project, hook, steps) => sql(
      `INSERT INTO workflows (project_id, hook, steps) VALUES ('${project}', '${hook}', $$${JSON.stringify(steps)}$$)`),
    end,
  };
}
