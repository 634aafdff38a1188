import { inspect } from 'node:util';

import { badArgument } from './errors.js';

/** An opened secret. Printing it, or making JSON of it, shows no value. */
export class Secret {
  id;
  kind;
  version;
  expiresAt;
  createdAt;
  #value;

  constructor({ id, kind, version, expiresAt, createdAt, value }) {
    this.id = id;
    this.kind = kind;
    this.version = version;
    this.expiresAt = expiresAt;
    this.createdAt = createdAt;
    this.#value = value;
  }

  /** Makes one of what the addon gives. */
  static of([id, kind, version, expiresAt, createdAt, value]) {
    return new Secret({ id, kind, version, value, createdAt: new Date(createdAt),
      expiresAt: expiresAt === null ? null : new Date(expiresAt) });
  }

  /** The bytes. `fill(0)` them after use; copies that the engine made cannot be wiped. */
  get value() {
    return this.#value;
  }

  /** Gives the value as text; bytes that are not UTF-8 are an error, never replaced. */
  reveal() {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#value);
    } catch {
      throw badArgument('the value is not UTF-8', 'take its bytes: `value`');
    }
  }

  toJSON() {
    return { id: this.id, kind: this.kind, version: this.version };
  }

  [inspect.custom]() {
    return `Secret { id: ${this.id}, version: ${this.version}, value: <sealed> }`;
  }
}
