// The engine's own functions, taken when the package is loaded. An object can say anything about itself
// (a subclass, a Proxy, a getter); these read what it is. They run no code of the app's.
const uncurried = (method) => (self, ...args) => Reflect.apply(method, self, args);
const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const getter = (name) => uncurried(Object.getOwnPropertyDescriptor(typedArray, name).get);
const encoder = new TextEncoder();
const encodeInto = encoder.encodeInto.bind(encoder);
const copyInto = uncurried(typedArray.set);
const partOf = uncurried(typedArray.subarray);
const at = uncurried(typedArray.at);
const fill = uncurried(typedArray.fill);
const getTime = uncurried(Date.prototype.getTime);
const tagOf = getter(Symbol.toStringTag);

/** Gives the size of a Uint8Array now; 0 for one whose memory was transferred or cut off. */
export const byteLengthOf = getter('byteLength');

/** Tells whether this is a Uint8Array, of any realm; a Proxy of one and what inherits from one are not. */
export const isBytes = (value) => tagOf(value) === 'Uint8Array';

/** Tells whether a Uint8Array's memory is still there: not transferred, not cut off by a resize. */
export function isReadable(bytes) {
  try {
    at(bytes, 0);
    return true;
  } catch {
    return false;
  }
}

/** Gives a Date's milliseconds; NaN for anything else. */
export function millisecondsOf(date) {
  try {
    return getTime(date);
  } catch {
    return NaN;
  }
}

/**
 * Gives memory outside V8's heap, of zeros. A typed array of up to 64 bytes that is made by its size lies
 * in the heap; reading it from the addon moves it out and leaves a copy that nothing wipes.
 */
export const newMemory = (size) => new Uint8Array(new ArrayBuffer(size));

/** Writes a string as UTF-8, or a Uint8Array, to `memory`. */
export function write(memory, from, value) {
  if (typeof value === 'string') encodeInto(value, partOf(memory, from));
  else copyInto(memory, value, from);
}

export const wipe = (memory) => void fill(memory, 0);
