import { json } from '@sveltejs/kit';

import { secrets } from '../../../lib/server/secrets.js';

export async function PUT({ params, request }) {
  const { version } = await secrets.put('acme', params.name, await request.text());
  return json({ version, evaluations: globalThis.evaluations });
}

export async function GET({ params }) {
  const secret = await secrets.get('acme', params.name);
  return new Response(secret.reveal());
}
