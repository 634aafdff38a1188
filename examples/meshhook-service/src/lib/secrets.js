import { connect } from 'rowseal';

import { pool } from './db.js';
import { log } from './log.js';

// On globalThis, so that a development server that loads this module again keeps its client.
export const secrets = await (globalThis.rowsealClient ??= connect({
  db: pool,
  root: 'env:ROWSEAL_ROOT_KEY',
  actor: process.env.SERVICE_NAME ?? 'web',
}));

secrets.on('log', ({ level, name }) => {
  if (level !== 'debug') log('rowseal', { level, name });
});
