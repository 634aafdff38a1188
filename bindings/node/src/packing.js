// Values on their way to the addon, which may read them later and on another thread.
import { sizeOf } from './checks.js';

/**
 * Packs values end to end in memory that the app does not hold: what it does with its own buffers
 * before the call settles changes nothing. The addon wipes it.
 * @param {(Uint8Array|string)[]} values
 */
export function pack(values) {
  const sizes = values.map(sizeOf);
  const bytes = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + size, 0));
  const ends = [];
  let end = 0;
  for (const [i, value] of values.entries()) {
    if (typeof value === 'string') bytes.write(value, end);
    else bytes.set(value, end);
    end += sizes[i];
    ends.push(end);
  }
  return { bytes, ends };
}
