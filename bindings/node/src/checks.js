// What callers give, checked before anything happens: types, well-formed text, sizes.
import { badArgument } from './errors.js';

const MAX_VALUE = 16 * 1024 * 1024;

/** A lone surrogate would become U+FFFD in UTF-8: another name than was meant. */
export function text(value, what) {
  if (typeof value !== 'string') throw badArgument(`${what} is not a string`);
  if (!value.isWellFormed()) {
    throw badArgument(`${what} holds a lone surrogate`, 'it is no text that UTF-8 can carry');
  }
  return value;
}

/** Gives the bytes of a Buffer, Uint8Array or string. */
export function bytes(value, what) {
  const given = typeof value === 'string' ? Buffer.from(text(value, what)) : value;
  if (!(given instanceof Uint8Array)) {
    throw badArgument(`${what} is neither a Buffer nor a string`);
  }
  if (given.byteLength > MAX_VALUE) {
    throw badArgument(`${what} has more than 16 MiB`, 'keep large data elsewhere and seal its key');
  }
  return given;
}

/** Gives milliseconds, or null for a date that was left out. */
export function time(value, what) {
  if (value === undefined || value === null) return null;
  const at = value instanceof Date ? value.getTime() : NaN;
  if (!Number.isFinite(at)) throw badArgument(`${what} is not a valid Date`);
  return at;
}

export function version(value) {
  if (value === undefined || value === null) return null;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw badArgument('a version is a whole number from 1');
  }
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
