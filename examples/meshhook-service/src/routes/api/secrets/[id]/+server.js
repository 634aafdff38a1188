import { asActor, findSecret } from '../../../../lib/access.js';
import { json, readJson, requireText } from '../../../../lib/http.js';
import { secrets } from '../../../../lib/secrets.js';

/** Stores another version. */
export async function PUT(event) {
  const value = requireText(await readJson(event.request), 'value');
  const { project, name } = await findSecret(event.locals.user, event.params.id);
  const { version } = await secrets.put(project, name, value, asActor(event));
  return json({ secret: { id: event.params.id, project_id: project, name, version } });
}

export async function DELETE(event) {
  const { project, name } = await findSecret(event.locals.user, event.params.id);
  await secrets.delete(project, name, asActor(event));
  return new Response(null, { status: 204 });
}
