import { error } from '@sveltejs/kit';

import { secrets } from '../../lib/server/secrets.js';

export async function POST({ request }) {
  const body = Buffer.from(await request.arrayBuffer());
  const verdict = await secrets.verifyWebhook('acme', 'hook', { body, headers: request.headers });
  if (!verdict.valid) error(401, verdict.reason);
  return new Response(`version ${verdict.version}`);
}
