// The service. Environment: DATABASE_URL, ROWSEAL_ROOT_KEY, PORT (0: any that is free).
import path from 'node:path';

import { handle } from './hooks.server.js';
import { loadRoutes, serverOf } from './lib/adapter.js';
import { stopInOrder } from './lib/lifetime.js';
import { log } from './lib/log.js';

const routes = await loadRoutes(path.join(import.meta.dirname, 'routes'));
const server = serverOf({ routes, handle });
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () =>
  log('listening', { url: `http://127.0.0.1:${server.address().port}` }));

stopInOrder(() => new Promise((resolve) => {
  server.close(resolve);
  server.closeIdleConnections();
}));
