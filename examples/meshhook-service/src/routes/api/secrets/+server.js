import { asActor, requireAdmin } from '../../../lib/access.js';
import { asUser } from '../../../lib/db.js';
import { json, readJson, requireText } from '../../../lib/http.js';
import { secrets } from '../../../lib/secrets.js';

/** Lists the secrets of the user's projects. The view holds no value, so none can slip out. */
export async function GET({ locals }) {
  const { rows } = await asUser(locals.user, (client) => client.query(
    `SELECT id, project_id, name, kind, newest_version::int AS version, updated_at, updated_by,
       expires_at
     FROM secret_metadata ORDER BY project_id, name LIMIT 1000`));
  return json({ secrets: rows.map((row) => ({ ...row, value: '••••••••' })) });
}

/** Creates a secret; a name that is taken is a conflict. */
export async function POST(event) {
  const body = await readJson(event.request);
  const project = requireText(body, 'project_id');
  const name = requireText(body, 'name');
  const value = requireText(body, 'value');
  await requireAdmin(event.locals.user, project);
  const { id, version } = await secrets.put(project, name, value,
    { kind: body.kind, createOnly: true, ...asActor(event) });
  return json({ secret: { id, project_id: project, name, version } }, { status: 201 });
}
