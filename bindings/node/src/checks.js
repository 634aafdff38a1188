// What callers give, checked before anything happens: types, well-formed text, sizes.
import { badArgument } from './errors.js';

const MAX_VALUE = 16 * 1024 * 1024;
const KINDS = ['webhook', 'access_token', 'workflow'];

/** A lone surrogate would become U+FFFD in UTF-8: another name than was meant. */
export function text(value, what) {
  if (typeof value !== 'string') throw badArgument(`${what} is not a string`);
  if (!value.isWellFormed()) {
    throw badArgument(`${what} holds a lone surrogate`, 'it is no text that UTF-8 can carry');
  }
  return value;
}

/** Gives a Uint8Array or a string that is well-formed, of at most 16 MiB. */
export function bytes(value, what) {
  const isText = typeof value === 'string';
  if (isText) text(value, what);
  if (!isText && !(value instanceof Uint8Array)) {
    throw badArgument(`${what} is neither a Buffer nor a string`);
  }
  if (sizeOf(value) > MAX_VALUE) {
    throw badArgument(`${what} has more than 16 MiB`, 'keep large data elsewhere and seal its key');
  }
  return value;
}

/** Gives the bytes that a value takes, as UTF-8 where it is a string. */
export function sizeOf(value) {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
}

/** Gives milliseconds, or null for a date that was left out. */
export function time(value, what) {
  if (value === undefined || value === null) return null;
  const at = value instanceof Date ? value.getTime() : NaN;
  if (!Number.isFinite(at)) throw badArgument(`${what} is not a valid Date`);
  return at;
}

export function kind(value) {
  if (!KINDS.includes(value)) throw badArgument(`kind is none of ${KINDS.join(', ')}`);
  return value;
}

export function version(value) {
  if (value === undefined || value === null) return null;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw badArgument('a version is a whole number from 1');
  }
  return value;
}

export function wholeNumber(value, what) {
  if (!Number.isSafeInteger(value)) throw badArgument(`${what} is not a whole number`);
  return value;
}

export function array(value, what) {
  if (!Array.isArray(value)) throw badArgument(`${what} is not an array`);
  return value;
}

export function access(options) {
  return { actor: text(options.actor ?? '', 'actor'), reason: text(options.reason ?? '', 'reason') };
}

/** Gives the row key of a value: one text a key column. */
export function row(value) {
  const key = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return key.map((part) => text(typeof part === 'number' ? String(part) : part, 'row'));
}
