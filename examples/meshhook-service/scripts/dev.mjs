// Starts everything, with two users and a workflow, and prints what to try. Ctrl-C ends it, and the
// database with it.
import { createServer } from 'node:http';

import { startStack } from './stack.mjs';

// Stands for the API that a workflow calls; shows that the secret came, not what it is.
const receiver = createServer((request, response) => {
  console.log(`receiver: ${request.method}, authorization of ${
    request.headers.authorization?.length ?? 0} characters`);
  request.resume().on('end', () => response.end());
});
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));

const stack = await startStack({ show: true });
const project = stack.addProject('acme');
const other = stack.addProject('umbrella');
const ann = stack.addUser('ann@acme.example', { [project]: 'admin' });
const bob = stack.addUser('bob@umbrella.example', { [other]: 'admin' });
stack.addWorkflow(project, 'github', [{ method: 'POST',
  url: `http://127.0.0.1:${receiver.address().port}/`,
  headers: { authorization: 'Bearer {{secrets.API_TOKEN}}' } }]);
const service = await stack.startService({ PORT: process.env.PORT ?? '0' });
const worker = await stack.startWorker();

const { url } = service.first;
console.log(`
The service is at ${url}. Try, in another terminal:

  export URL=${url} PROJECT=${project} TOKEN=${ann.token}
  put() { curl -sS "$URL/api/secrets" -H "Authorization: Bearer $TOKEN" -d "{\\"project_id\\":\\"$PROJECT\\",\\"name\\":\\"$1\\",\\"value\\":\\"$2\\",\\"kind\\":\\"$3\\"}"; echo; }
  put API_TOKEN tok_1 access_token
  put hook/github whsec_1 webhook
  curl -sS "$URL/api/secrets" -H "Authorization: Bearer $TOKEN"
  BODY='{"action":"opened"}'
  SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac whsec_1 -r | cut -d' ' -f1)
  curl -sS "$URL/hooks/$PROJECT/github" -H "X-Hub-Signature-256: sha256=$SIGNATURE" -d "$BODY"

A user of the other project, who sees none of it: TOKEN=${bob.token}
`);

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  await Promise.all([service.end(), worker.end()]);
  receiver.close();
  await stack.end();
}
process.on('SIGINT', end);
process.on('SIGTERM', end);
