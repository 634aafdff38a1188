import { asUser } from './db.js';
import { HttpError } from './http.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A project of others and one that is not there look alike: 404. A member who is no admin gets 403. */
export async function requireAdmin(user, project) {
  if (!UUID.test(project)) throw new HttpError(404, 'no such project');
  const { rows } = await asUser(user, (client) =>
    client.query('SELECT role FROM memberships WHERE project_id = $1', [project]));
  if (rows.length === 0) throw new HttpError(404, 'no such project');
  if (rows[0].role !== 'admin') throw new HttpError(403, 'only an admin of the project may do this');
}

/** Gives project and name of a secret by its id, if the user is an admin of its project. */
export async function findSecret(user, id) {
  if (!UUID.test(id)) throw new HttpError(404, 'no such secret');
  const { rows } = await asUser(user, (client) => client.query(
    `SELECT s.project_id AS project, s.name, m.role FROM secret_metadata s
     JOIN memberships m ON m.project_id::text = s.project_id WHERE s.id = $1`, [id]));
  if (rows.length === 0) throw new HttpError(404, 'no such secret');
  if (rows[0].role !== 'admin') throw new HttpError(403, 'only an admin of the project may do this');
  return rows[0];
}

/** Who acts, for the audit log; the call ends when the request does. */
export function asActor({ request, locals }) {
  return { actor: `user:${locals.user.id}`, signal: request.signal };
}
