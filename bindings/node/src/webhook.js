// How a webhook's signature is written, and where it stands.
import * as check from './checks.js';
import { badArgument } from './errors.js';
import { isBytes } from './intrinsics.js';

const HASHES = ['sha256', 'sha1', 'sha512'];
const ENCODINGS = ['hex', 'base64'];

/** Completes a scheme; without one it is GitHub's. */
export function webhookScheme({
  hash = 'sha256', encoding = 'hex', prefix = `${hash}=`, header = 'x-hub-signature-256' }) {
  if (!HASHES.includes(hash)) throw badArgument(`hash is none of ${HASHES.join(', ')}`);
  if (!ENCODINGS.includes(encoding)) throw badArgument('encoding is neither hex nor base64');
  return { hash, encoding, prefix: check.text(prefix, 'prefix'),
    header: check.text(header, 'header').toLowerCase() };
}

/** A parsed body cannot be verified: written again, its bytes are others. */
export function rawBody(body) {
  if (typeof body !== 'string' && !isBytes(body)) {
    throw badArgument('body is neither a string nor bytes',
      'give the raw body, as it came, before it is parsed');
  }
  return check.bytes(body, 'body');
}

/** Gives every value of the header. */
export function signaturesOf(headers, name) {
  if (headers === undefined || headers === null) return [];
  if (typeof headers === 'string') return [headers];
  // A Headers, or what has a get of its own or of its class; not what somebody put on every object.
  if (headers.get !== Object.prototype.get && typeof headers.get === 'function') {
    const value = headers.get(name);  // several come joined by `, `, which no signature holds
    return value === null || value === undefined ? [] : check.text(value, name).split(', ');
  }
  const values = [];
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name && value !== undefined) values.push(...[value].flat());
  }
  return values.flatMap((value) => check.text(value, name).split(', '));
}
