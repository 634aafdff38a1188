// A workflow's step: one HTTP call, whose headers may refer to secrets of the project.
import { secrets } from './secrets.js';

const REFERENCE = /\{\{\s*secrets\.([\w.-]+)\s*\}\}/g;

/** An outcome that may be stored and logged: it quotes nothing. */
export class StepError extends Error {}

/**
 * Puts values into the headers of a step's definition, which admins of the project write. What a
 * webhook brought is never searched for references: its sender would choose which secret goes where.
 */
export async function resolveHeaders(headers, { project, reason }) {
  const names = [...new Set(Object.values(headers)
    .flatMap((text) => [...text.matchAll(REFERENCE)].map(([, name]) => name)))];
  if (names.length === 0) return headers;
  const outcomes = await secrets.getMany(project, names, { reason });
  const values = new Map(outcomes.map(({ value, error }, i) => {
    if (error) throw error;
    return [names[i], value.reveal()];
  }));
  return Object.fromEntries(Object.entries(headers).map(([key, text]) =>
    [key, text.replace(REFERENCE, (_, name) => values.get(name))]));
}

/** Makes the call. A redirect is not followed: it would carry the headers to another host. */
export async function runStep({ method = 'POST', url, headers = {} }, { project, payload, reason }) {
  const resolved = await resolveHeaders(headers, { project, reason });
  let request;
  try {
    request = new Request(url, { method, headers: resolved, redirect: 'manual',
      body: method === 'GET' ? undefined : payload, signal: AbortSignal.timeout(10_000) });
  } catch {
    throw new StepError('the URL or a header is not valid');  // its own message quotes the header
  }
  let response;
  try {
    response = await fetch(request);
  } catch (error) {
    throw new StepError(`no answer: ${error.cause?.code ?? error.name}`);
  }
  await response.body?.cancel();  // not kept: it may echo what was sent
  if (!response.ok) throw new StepError(`HTTP ${response.status}`);
}
