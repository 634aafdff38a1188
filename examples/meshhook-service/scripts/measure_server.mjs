// The server that measure.mjs asks. MODE `on` takes secrets from Rowseal, `off` from where apps keep
// them without it: a column in the clear, a variable. All else is the service's own code.
import { createHmac, timingSafeEqual } from 'node:crypto';
import path from 'node:path';

import { handle } from '../src/hooks.server.js';
import { loadRoutes, serverOf } from '../src/lib/adapter.js';
import { pool } from '../src/lib/db.js';
import { json } from '../src/lib/http.js';
import { log } from '../src/lib/log.js';

const { MODE, PROJECT, HOOK_SECRET } = process.env;

/** A handler that reads one secret and signs something with it. */
const using = (read) => async (event) => json({
  signature: createHmac('sha256', await read(event)).update('payload').digest('hex') });

async function plain() {
  const { rows } = await pool.query('SELECT value FROM plain_secrets WHERE project_id = $1 AND name = $2',
    [PROJECT, 'API_TOKEN']);
  return rows[0].value;
}

/** With an entry in a log, as Rowseal writes one: in the same statement, committed, not flushed. */
async function plainWithLog({ locals }) {
  const { rows } = await pool.query(
    `WITH setting AS (SELECT set_config('synchronous_commit', 'off', true)),
       entry AS (INSERT INTO plain_log (project_id, actor, action, name)
                 SELECT $1, $3, 'get', $2 FROM setting)
     SELECT value FROM plain_secrets WHERE project_id = $1 AND name = $2`,
    [PROJECT, 'API_TOKEN', locals.user.id]);
  return rows[0].value;
}

async function hookByVariable({ request }) {
  const body = Buffer.from(await request.arrayBuffer());
  const expected = Buffer.from(`sha256=${createHmac('sha256', HOOK_SECRET).update(body).digest('hex')}`);
  const given = Buffer.from(request.headers.get('x-hub-signature-256') ?? '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return json({ error: 'signature' }, { status: 401 });
  }
  const { rowCount } = await pool.query(
    `INSERT INTO runs (workflow_id, project_id, payload)
     SELECT id, project_id, $3 FROM workflows WHERE project_id::text = $1 AND hook = $2`,
    [PROJECT, 'measured', body]);
  return json({ queued: rowCount }, { status: 202 });
}

async function routesOf(mode) {
  const route = (at, handlers) => ({ names: [], pattern: new RegExp(`^${at}$`), handlers });
  if (mode === 'off') {
    return [route('/api/read', { GET: using(plain) }), route('/api/read-logged', { GET: using(plainWithLog) }),
      route('/hook', { POST: hookByVariable })];
  }
  const { secrets } = await import('../src/lib/secrets.js');
  const read = async ({ request, locals }) => (await secrets.get(PROJECT, 'API_TOKEN',
    { actor: `user:${locals.user.id}`, signal: request.signal })).reveal();
  return [route('/api/read', { GET: using(read) }),
    ...await loadRoutes(path.join(import.meta.dirname, '../src/routes'))];
}

const server = serverOf({ routes: await routesOf(MODE), handle });
server.keepAliveTimeout = 60_000;  // longer than a server waits for its turn
server.listen(0, '127.0.0.1', () =>
  log('listening', { url: `http://127.0.0.1:${server.address().port}` }));
process.once('disconnect', () => process.exit());
process.once('SIGTERM', () => process.exit());
