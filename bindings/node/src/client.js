import { EventEmitter } from 'node:events';

import * as check from './checks.js';
import { badArgument, cancelled, fromNative, RowsealError } from './errors.js';
import { Gatherer } from './gatherer.js';
import { native } from './native.js';
import { PgDatabase } from './pg_database.js';
import { Secret } from './secret.js';
import { rawBody, signaturesOf, webhookScheme } from './webhook.js';

const SEALED = 'rs1.';

function unwrap({ value, error }) {
  if (error) throw fromNative(error);
  return value;
}

/** Ends a read's promise when its signal says so; what still comes is dropped. */
function until(signal, promise) {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(cancelled());
  }
  return new Promise((resolve, reject) => {
    const stop = () => reject(cancelled());
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** A client of one store. Make it with `connect`. */
export class Client extends EventEmitter {
  #native;
  #database;
  #closed = false;
  #running = new Set();
  #gatherer = new Gatherer(async (project, refs, access) =>
    this.#call(this.#native.startGet(project, refs, access, false)));

  /** Use `connect`. */
  constructor(options) {
    super();
    const { db, root, roots = root === undefined ? [] : [root], actor } = options;
    const isFile = typeof db === 'string';
    if (isFile ? !db.startsWith('sqlite:') : typeof db?.query !== 'function') {
      throw badArgument('`db` is neither a pg Pool or Client nor `sqlite:PATH`');
    }
    if (!Array.isArray(roots)) throw badArgument('`roots` is not an array');
    this.#database = isFile ? null : new PgDatabase(db, options);
    this.#native = new native.NativeClient(
      { store: isFile ? check.text(db, 'db') : this.#database.store,
        roots: roots.map((uri) => check.text(uri, 'root')), actor: check.text(actor, 'actor') },
      (question) => void this.#answer(question),
      (event) => this.#tell(event));
  }

  /** For `connect`. */
  async open() {
    try {
      await this.#native.open();
    } catch (error) {
      this.#closed = true;
      await this.#native.close();
      throw fromNative(error);
    }
  }

  async put(project, name, value, options = {}) {
    const [outcome] = await this.putMany(project, [{ ...options, name, value }], options);
    return unwrap(outcome);
  }

  /** Stores many values in one statement. Gives `{value}` or `{error}` for each. */
  async putMany(project, items, options = {}) {
    this.#begin(options);
    const given = items.map((item) => ({
      name: check.text(item.name, 'name'), value: check.bytes(item.value, 'value'),
      kind: item.kind === undefined ? null : check.text(item.kind, 'kind'),
      expiresAt: check.time(item.expiresAt, 'expiresAt'), createOnly: item.createOnly === true }));
    const outcomes = await this.#call(
      this.#native.startPut(check.text(project, 'project'), given, options.allOrNone === true,
        check.access(options), Boolean(options.client)), options.client);
    return outcomes.map(({ value, error }) => (error ? { error: fromNative(error) } : { value }));
  }

  async get(project, name, options = {}) {
    this.#begin(options);
    const ref = { name: check.text(name, 'name'), version: check.version(options.version) };
    const access = check.access(options);
    if (!options.client) {
      const outcome = this.#track(
        this.#gatherer.add(check.text(project, 'project'), ref, access));
      return new Secret(unwrap(await until(options.signal, outcome)));
    }
    const started = this.#native.startGet(check.text(project, 'project'), [ref], access, true);
    const [outcome] = await until(options.signal, this.#call(started, options.client));
    return new Secret(unwrap(outcome));
  }

  /** Opens many secrets in one statement. Gives `{value}` or `{error}` for each. */
  async getMany(project, names, options = {}) {
    this.#begin(options);
    const refs = names.map((item) => (typeof item === 'string' ? { name: item } : item)).map(
      (item) => ({ name: check.text(item.name, 'name'), version: check.version(item.version) }));
    const started = this.#native.startGet(check.text(project, 'project'), refs,
      check.access(options), Boolean(options.client));
    const outcomes = await until(options.signal, this.#call(started, options.client));
    return outcomes.map(({ value, error }) =>
      (error ? { error: fromNative(error) } : { value: new Secret(value) }));
  }

  async sealValue(project, column, value, options = {}) {
    this.#begin(options);
    return until(options.signal, this.#call(this.#native.startSeal(
      check.text(project, 'project'), check.text(column, 'column'), check.bytes(value, 'value'),
      check.row(options.row), check.access(options), Boolean(options.client)), options.client));
  }

  /** Gives the bytes of a sealed value. */
  async openValue(project, column, sealed, options = {}) {
    this.#begin(options);
    return until(options.signal, this.#call(this.#native.startOpen(
      check.text(project, 'project'), check.text(column, 'column'), check.text(sealed, 'sealed'),
      check.row(options.row), check.access(options), Boolean(options.client)), options.client));
  }

  /** For the time of a migration: plaintext passes; what begins with `rs1.` opens or is an error. */
  async openIfSealed(project, column, text, options = {}) {
    this.#begin(options);
    if (!check.text(text, 'text').startsWith(SEALED)) {
      return { value: Buffer.from(text), sealed: false };
    }
    return { value: await this.openValue(project, column, text, options), sealed: true };
  }

  /**
   * Checks a webhook's signature over the raw body; the secret never reaches JavaScript. `headers`
   * is a Headers, Node's object of headers, or the header's value. Gives `{valid: true, version}` or
   * `{valid: false, reason, hint}`.
   */
  async verifyWebhook(project, name, { body, headers, overlapSeconds = 0, ...options }) {
    this.#begin(options);
    if (!Number.isSafeInteger(overlapSeconds)) {
      throw badArgument('overlapSeconds is not a whole number');
    }
    const scheme = webhookScheme(options);
    return until(options.signal, this.#call(this.#native.startVerify(
      check.text(project, 'project'), check.text(name, 'name'), scheme, rawBody(body),
      signaturesOf(headers, scheme.header), overlapSeconds, check.access(options))));
  }

  /** Gives the signature of a body, as its header's value. */
  async signWebhook(project, name, { body, ...options }) {
    this.#begin(options);
    return until(options.signal, this.#call(this.#native.startSign(
      check.text(project, 'project'), check.text(name, 'name'), webhookScheme(options),
      rawBody(body), check.access(options))));
  }

  async list(project, { after = '', limit = 1000, ...options } = {}) {
    if (!Number.isSafeInteger(limit)) throw badArgument('limit is not a whole number');
    return this.#run(options, 'list', check.text(project, 'project'), check.text(after, 'after'),
      limit);
  }

  async versions(project, name, options = {}) {
    return this.#run(options, 'versions', check.text(project, 'project'), check.text(name, 'name'));
  }

  async rollback(project, name, version, options = {}) {
    return this.#run(options, 'rollback', check.text(project, 'project'), check.text(name, 'name'),
      check.version(version) ?? 0, check.access(options));
  }

  async rename(project, name, newName, options = {}) {
    return this.#run(options, 'rename', check.text(project, 'project'), check.text(name, 'name'),
      check.text(newName, 'newName'), check.access(options));
  }

  async delete(project, name, options = {}) {
    return this.#run(options, 'remove', check.text(project, 'project'), check.text(name, 'name'),
      check.access(options));
  }

  /** Sets the newest version's expiry; null removes it. */
  async expire(project, name, expiresAt, options = {}) {
    return this.#run(options, 'expire', check.text(project, 'project'), check.text(name, 'name'),
      check.time(expiresAt, 'expiresAt'), check.access(options));
  }

  async addColumn(label, context, options = {}) {
    return this.#run(options, 'addColumn', check.text(label, 'label'),
      check.text(context, 'context'), check.access(options));
  }

  async rotateKek(options = {}) {
    return this.#run(options, 'rotateKek', check.access(options));
  }

  async rotateDek(project, options = {}) {
    return this.#run(options, 'rotateDeks', check.text(project, 'project'), check.access(options));
  }

  async maintain(options = {}) {
    return this.#run(options, 'maintain', check.access(options));
  }

  async keyStatus(options = {}) {
    return this.#run(options, 'keyStatus');
  }

  metrics() {
    return this.#native.metrics();
  }

  /** Waits for the calls under way, then lets go of keys and thread. The pool stays the app's. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#running]);
    await this.#native.close();
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }

  #begin(options) {
    if (this.#closed) throw badArgument('the client is closed', 'connect again');
    if (options.signal?.aborted) throw cancelled();
  }

  #track(promise) {
    this.#running.add(promise);
    promise.catch(() => {}).finally(() => this.#running.delete(promise));
    return promise;
  }

  /** Runs a call that may wait on the client's own thread. */
  async #run(options, method, ...args) {
    this.#begin(options);
    try {
      return await this.#track(this.#native[method](...args));
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Drives a started call to its end, on the app's transaction where it gave a client. */
  #call(started, client) {
    return this.#track(this.#drive(unwrap(started), client));
  }

  async #drive(call, client) {
    if (!this.#database) {
      if (client) throw badArgument('a SQLite store joins no transaction of the app');
      await this.#native.runCall(call);
      return unwrap(call.take());
    }
    if (!client) await this.#database.whenFree();
    for (let query = call.next(); query; query = call.next()) {
      try {
        call.feed(await (client ? this.#database.query(query, client)
          : this.#database.queryPatiently(query)));
      } catch (error) {
        if (error.number === undefined) throw error;
        call.refuse(error.number, error.message, error.hint);
      }
    }
    return unwrap(call.take());
  }

  async #answer(question) {
    try {
      this.#native.answer(await this.#database.carryOut(question));
    } catch (error) {
      const known = error?.number === undefined
        ? { ...native.classify('XX000', String(error?.message ?? error), this.#database.store) }
        : error;
      this.#native.refuse(known.number, known.message, known.hint, known.failure);
    }
  }

  // Outside the addon's call, so that what a listener throws is the app's uncaught exception.
  #tell(event) {
    queueMicrotask(() => this.#emitAll(event));
  }

  #emitAll(event) {
    this.emit('log', event);
    if (event.name === 'open_refused') this.emit('refused-open', event);
    if (/_rotated$/.test(event.name)) this.emit('rotation', event);
    if (event.level === 'error') this.emit('error-event', event);
  }
}

/**
 * Connects to a store.
 * @param {{db: object|string, root?: string, roots?: string[], actor: string, prepared?: boolean,
 *   callTimeoutMs?: number}} options
 */
export async function connect(options) {
  if (options === null || typeof options !== 'object') throw badArgument('options are missing');
  const client = new Client(options);
  await client.open();
  return client;
}

/** Random bytes for an app's own use of AES-GCM (96 bits) or XAES (192 bits). */
export function nonce(bits) {
  if (bits !== 96 && bits !== 192) throw badArgument('a nonce has 96 or 192 bits');
  return unwrap(native.nonce(bits));
}

export { RowsealError, Secret };
