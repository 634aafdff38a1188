// Values on their way to the addon, which may read them later and on another thread.
import { usableSize } from './checks.js';
import { newMemory, wipe, write } from './intrinsics.js';

/**
 * Packs values end to end in memory that the app does not hold: what it does with its own buffers
 * before the call settles changes nothing. The addon wipes it.
 * @param {(Uint8Array|string)[]} values
 */
export function pack(values) {
  const ends = [];
  let size = 0;
  // Getters of the app's ran since each value was checked; they may have changed its memory.
  for (const value of values) ends.push((size += usableSize(value, 'value')));
  const bytes = newMemory(size);
  try {
    for (let i = 0; i < values.length; ++i) write(bytes, i === 0 ? 0 : ends[i - 1], values[i]);
  } catch (error) {
    wipe(bytes);
    throw error;
  }
  return { bytes, ends };
}

/** Packs many values into parts of `most` each, all of them now. */
export function packInParts(values, most) {
  const parts = [];
  try {
    for (let at = 0; at < values.length; at += most) parts.push(pack(values.slice(at, at + most)));
  } catch (error) {
    discard(parts);
    throw error;
  }
  return parts;
}

/** Wipes what the addon did not take. */
export function discard(packed) {
  for (const { bytes } of packed) wipe(bytes);
}
