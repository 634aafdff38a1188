// Verifies a webhook, then writes a heap snapshot. Usage: … STORE ROOT SIGNATURE BODY SNAPSHOT
import { writeHeapSnapshot } from 'node:v8';

import { connect } from '../../src/index.js';

const [db, root, headers, body, snapshot] = process.argv.slice(2);
const client = await connect({ db, root, actor: 'test' });
const verdict = await client.verifyWebhook('acme', 'canary', { body, headers });
writeHeapSnapshot(snapshot);
console.log(JSON.stringify(verdict));
await client.close();
