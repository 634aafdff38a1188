// What callers give, checked before anything happens: types, well-formed text, sizes.
import { badArgument } from './errors.js';
import { byteLengthOf, isBytes, isReadable, millisecondsOf } from './intrinsics.js';

const MAX_VALUE = 16 * 1024 * 1024;
const MAX_ITEMS = 2 ** 32 - 1;
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
  if (typeof value === 'string') text(value, what);
  else if (!isBytes(value)) throw badArgument(`${what} is neither a Buffer nor a string`);
  usableSize(value, what);
  return value;
}

/**
 * Gives the bytes that a value takes now. Memory that is gone reads as empty: an empty value would be
 * stored in place of the one meant.
 */
export function usableSize(value, what) {
  if (typeof value !== 'string' && !isReadable(value)) {
    throw badArgument(`the memory of ${what} is gone`,
      'its ArrayBuffer was transferred or made smaller; give the bytes before that');
  }
  const size = sizeOf(value);
  if (size > MAX_VALUE) {
    throw badArgument(`${what} has more than 16 MiB`, 'keep large data elsewhere and seal its key');
  }
  return size;
}

/** Gives the bytes that a value takes, as UTF-8 where it is a string. */
export function sizeOf(value) {
  return typeof value === 'string' ? Buffer.byteLength(value) : byteLengthOf(value);
}

/** Gives milliseconds, or null for a date that was left out. */
export function time(value, what) {
  if (value === undefined || value === null) return null;
  const at = millisecondsOf(value);
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

/** A call that changes something takes nothing for granted. */
export function required(value, what) {
  if (value === null) throw badArgument(`${what} is missing`);
  return value;
}

export function wholeNumber(value, what) {
  if (!Number.isSafeInteger(value)) throw badArgument(`${what} is not a whole number`);
  return value;
}

/** Copies a list once: a Proxy, or a getter of a later item, cannot show another list afterwards. */
export function array(value, what) {
  if (!Array.isArray(value)) throw badArgument(`${what} is not an array`);
  const { length } = value;
  if (!Number.isSafeInteger(length) || length < 0 || length > MAX_ITEMS) {
    throw badArgument(`${what} has no length that an array can have`);
  }
  const items = [];
  for (let i = 0; i < length; ++i) items.push(value[i]);
  return items;
}

/**
 * Copies an object of options once. Only its own properties count: what some code put on
 * Object.prototype is no option, and a getter is asked a single time.
 */
export function own(value, what = 'options') {
  if (value === null || typeof value !== 'object') throw badArgument(`${what} is not an object`);
  return { __proto__: null, ...value };
}

/** A signal is heard by its events; what is none would be found out after the call had begun. */
export function signal(value) {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw badArgument('signal is no AbortSignal');
  }
  return value;
}

export function access(options) {
  const { actor, reason } = own(options);
  return { actor: text(actor ?? '', 'actor'), reason: text(reason ?? '', 'reason') };
}

/** Gives the row key of a value: one text a key column. */
export function row(value) {
  const key = value === undefined ? [] : Array.isArray(value) ? array(value, 'row') : [value];
  return key.map((part) => {
    if (typeof part === 'number') return String(wholeNumber(part, 'a row key'));
    return text(typeof part === 'bigint' ? String(part) : part, 'row');
  });
}
