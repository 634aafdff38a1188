// What handlers answer with, as SvelteKit's `json` and `error`.
import { RowsealError } from 'rowseal';

import { describe, log } from './log.js';

/** Thrown by a handler to end the request with a status. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function json(data, { status = 200, headers = {} } = {}) {
  return Response.json(data, { status, headers: { 'cache-control': 'no-store', ...headers } });
}

/** Gives the body's object. What JSON.parse says is dropped: it quotes the body, secrets too. */
export async function readJson(request) {
  let body;
  try {
    body = JSON.parse(await request.text());
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new HttpError(400, 'the body is not a JSON object');
  }
  return body;
}

export function requireText(body, field) {
  const value = body[field];
  if (typeof value !== 'string' || value.trim() === '') {
    throw new HttpError(400, `${field} is missing`);
  }
  return value;
}

const STATUS = {
  invalid_argument: 400, not_found: 404, conflict: 409, refused_by_state: 409,
  unavailable: 503, overloaded: 503, resource_exhausted: 503, in_doubt: 503, cancelled: 503,
};

/** Makes the answer of an error: callers learn what they can mend, the log learns the rest. */
export function responseOf(error) {
  if (error instanceof HttpError) return json({ error: error.message }, { status: error.status });
  const known = error instanceof RowsealError ? STATUS[error.code] ?? 500 : 500;
  // What the database itself refuses (a grant is missing) is not the caller's fault, nor its business.
  const status = known < 500 && error.message.startsWith("store '") ? 500 : known;
  if (status < 500) {
    return json({ error: error.message, code: error.code, hint: error.hint }, { status });
  }
  log('request_failed', describe(error));
  if (status === 500) return json({ error: 'internal error' }, { status });
  const hint = error.code === 'in_doubt' ? 'it may be stored: read before you try again' : 'try again';
  return json({ error: 'not available', code: error.code, hint },
    { status, headers: { 'retry-after': '1' } });
}
