import { pool } from '../../../../lib/db.js';
import { json } from '../../../../lib/http.js';
import { secrets } from '../../../../lib/secrets.js';

// How long senders may still sign with the secret that was replaced.
const OVERLAP_SECONDS = 3600;

/**
 * Takes a webhook: verifies the signature over the bytes as they came, then queues a run. The secret
 * is `hook/NAME`, so that no hook can be pointed at another secret of the project.
 */
export async function POST({ request, params }) {
  const body = Buffer.from(await request.arrayBuffer());
  const verdict = await secrets.verifyWebhook(params.project, `hook/${params.name}`, {
    body, headers: request.headers, overlapSeconds: OVERLAP_SECONDS,
    actor: 'hook', signal: request.signal,
  });
  if (!verdict.valid) {
    return json({ error: `signature ${verdict.reason}`, hint: verdict.hint }, { status: 401 });
  }
  const { rowCount } = await pool.query(
    `INSERT INTO runs (workflow_id, project_id, payload)
     SELECT id, project_id, $3 FROM workflows WHERE project_id::text = $1 AND hook = $2`,
    [params.project, params.name, body]);
  if (rowCount === 0) return json({ error: 'no workflow waits for this hook' }, { status: 404 });
  return json({ queued: rowCount }, { status: 202 });
}
