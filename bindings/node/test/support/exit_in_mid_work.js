// Leaves while calls are under way, in the way that the last argument says. Usage: … STORE ROOT HOW
import { Worker } from 'node:worker_threads';

import { connect } from '../../src/index.js';

const [db, root, how] = process.argv.slice(2);
if (how === 'worker') {
  const worker = new Worker(new URL(import.meta.url), { argv: [db, root, 'exit'] });
  worker.on('error', (error) => { throw error; });
  worker.on('exit', (code) => { process.exitCode = code; });
} else {
  const client = await connect({ db, root, actor: 'test' });
  for (let i = 0; i < 500; ++i) {
    client.put('acme', `exit-${i}`, 'value').catch(() => {});
    client.list('acme').catch(() => {});
  }
  if (how === 'exit') setImmediate(() => process.exit(0));
  // `idle`: nothing more; the process ends by itself when the calls have ended, without close.
}
