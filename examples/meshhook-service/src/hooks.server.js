import { createHash } from 'node:crypto';

import { pool } from './lib/db.js';
import { json } from './lib/http.js';

/** Finds the user of a bearer token; only its hash is stored. */
async function userOf(request) {
  const token = /^Bearer ([\w-]{43})$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (!token) return null;
  const { rows } = await pool.query(
    'SELECT user_id AS id FROM sessions WHERE token_hash = $1 AND expires_at > now()',
    [createHash('sha256').update(token).digest()]);
  return rows[0] ?? null;
}

/** Runs before every handler. Hooks authenticate themselves by their signature. */
export async function handle({ event, resolve }) {
  if (event.url.pathname.startsWith('/api/')) {
    event.locals.user = await userOf(event.request);
    if (!event.locals.user) {
      return json({ error: 'log in first' }, { status: 401, headers: { 'www-authenticate': 'Bearer' } });
    }
  }
  return resolve(event);
}
