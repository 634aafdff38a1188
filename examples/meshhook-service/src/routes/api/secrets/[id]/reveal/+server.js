import { asActor, findSecret } from '../../../../../lib/access.js';
import { json, readJson, requireText } from '../../../../../lib/http.js';
import { secrets } from '../../../../../lib/secrets.js';

/** Shows a value to a person who says why; the reason stands in the audit log before they see it. */
export async function POST(event) {
  const reason = requireText(await readJson(event.request), 'reason');
  const { project, name } = await findSecret(event.locals.user, event.params.id);
  const secret = await secrets.get(project, name, { ...asActor(event), reason });
  return json({ value: secret.reveal(), version: secret.version });
}
