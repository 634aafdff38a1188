// The yardstick of rows `seal` and `open` against Node.js: what an app writes today when it encrypts
// a column with node:crypto. One AES-256-GCM key, a random 12-byte IV and the additional data for
// each value, one base64 string out. It derives no key for each message, pads nothing and wipes
// nothing; its key is already in memory.
//
// Usage: node_envelope.mjs CONTEXT_HEX ROUNDS     prints {"seal": [ns, …], "open": [ns, …]}

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const VALUE_SIZE = 64;
const VALUES_IN_ROUND = 2000;

const key = randomBytes(32);

export function seal(plaintext, context) {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(context);
  const encrypted = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([iv, cipher.getAuthTag(), ...encrypted]).toString('base64');
}

export function open(text, context) {
  const bytes = Buffer.from(text, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAAD(context);
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
}

// Nanoseconds a value.
function time(act) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < VALUES_IN_ROUND; i++) {
    act();
  }
  return Number(process.hrtime.bigint() - start) / VALUES_IN_ROUND;
}

function main([contextHex, rounds]) {
  const context = Buffer.from(contextHex, 'hex');
  const value = Buffer.alloc(VALUE_SIZE);
  const sealed = seal(value, context);
  if (!open(sealed, context).equals(value)) {
    throw new Error('the yardstick does not open what it sealed');
  }
  const figures = { seal: [], open: [] };
  for (let round = 0; round < Number(rounds); round++) {
    figures.seal.push(time(() => seal(value, context)));
    figures.open.push(time(() => open(sealed, context)));
  }
  console.log(JSON.stringify(figures));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
