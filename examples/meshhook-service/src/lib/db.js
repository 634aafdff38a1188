import pg from 'pg';

import { describe, log } from './log.js';

/** The one pool of this process: the app's queries and Rowseal's go over it. */
export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
pool.on('error', (error) => log('idle_connection_lost', describe(error)));

/**
 * Runs `work` in a transaction as this user: row-level security decides what it sees.
 * @template T
 * @param {{id: string}} user
 * @param {(client: pg.PoolClient) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function asUser(user, work) {
  const client = await pool.connect();
  let broken;
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('role', 'authenticated', true),
      set_config('request.jwt.claim.sub', $1, true)`, [user.id]);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((lost) => { broken = lost; });
    throw error;
  } finally {
    client.release(broken);  // a connection that may still be this user's is thrown away
  }
}
