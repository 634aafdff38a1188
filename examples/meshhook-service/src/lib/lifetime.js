import { pool } from './db.js';
import { log } from './log.js';
import { secrets } from './secrets.js';

/** Ends the process in order: on a signal, or when the script that started it is gone. */
export function stopInOrder(stopWork) {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await stopWork();
    await secrets.close();
    await pool.end();
    log('stopped');
    process.exit();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (process.channel) process.once('disconnect', stop);
}
