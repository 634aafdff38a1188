import { EventEmitter } from 'node:events';

import * as check from './checks.js';
import { Driver, withErrors } from './driver.js';
import { badArgument, cancelled, fromNative, RowsealError } from './errors.js';
import { Gatherer } from './gatherer.js';
import { native } from './native.js';
import { pack } from './packing.js';
import { PgDatabase } from './pg_database.js';
import { Secret } from './secret.js';
import { takeList } from './slices.js';
import { rawBody, signaturesOf, webhookScheme } from './webhook.js';

const SEALED = 'rs1.';
// Items of a batch that go with one statement.
const BATCH = 1000;

const same = (value) => value;
const toStored = ([id, version]) => ({ id, version });

function unwrap({ value, error }) {
  if (error) throw fromNative(error);
  return value;
}

/** Makes dates of the milliseconds that the addon gives. */
function withDates(object) {
  for (const [name, value] of Object.entries(object)) {
    if (/(^at|At)$/.test(name) && value !== null) object[name] = new Date(value);
  }
  return object;
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

/** Runs a batch in parts, one behind the other. */
async function inParts(items, run) {
  const outcomes = [];
  for (let at = 0; at < items.length; at += BATCH) {
    outcomes.push(...await run(items.slice(at, at + BATCH)));
  }
  return outcomes;
}

/** A client of one store. Make it with `connect`. */
export class Client extends EventEmitter {
  #native;
  #driver;
  #closed = false;
  #running = new Set();
  #runs = 0;
  #gatherer = new Gatherer((project, refs, access) => this.#get(project, refs, access));

  /** Use `connect`. */
  constructor(options) {
    super();
    const { db, root, roots = root === undefined ? [] : [root], actor, state = '' } = options;
    const isFile = typeof db === 'string';
    if (isFile ? !db.startsWith('sqlite:') : typeof db?.query !== 'function') {
      throw badArgument('`db` is neither a pg Pool or Client nor `sqlite:PATH`');
    }
    if (!Array.isArray(roots)) throw badArgument('`roots` is not an array');
    const database = isFile ? null : new PgDatabase(db, options);
    this.#native = new native.NativeClient(
      { store: isFile ? check.text(db, 'db') : database.store,
        roots: roots.map((uri) => check.text(uri, 'root')), actor: check.text(actor, 'actor'),
        state: check.text(state, 'state') },
      (question) => void this.#driver.answer(question),
      (event) => this.#tell(event));
    this.#driver = new Driver(this.#native, database);
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

  /** Stores many values in one transaction. Gives `{value}` or `{error}` for each. */
  async putMany(project, items, options = {}) {
    this.#begin(options);
    const fields = { names: [], kinds: [], expires: [], createOnly: [] };
    const values = check.array(items, 'items').map((item) => {
      fields.names.push(check.text(item.name, 'name'));
      fields.kinds.push(item.kind === undefined ? '' : check.kind(item.kind));
      fields.expires.push(check.time(item.expiresAt, 'expiresAt'));
      fields.createOnly.push(item.createOnly === true);
      return check.bytes(item.value, 'value');
    });
    return this.#call(this.#native.startPut(
      check.text(project, 'project'), fields, pack(values), options.allOrNone === true,
      check.access(options), Boolean(options.client)), toStored, options);
  }

  async get(project, name, options = {}) {
    this.#begin(options);
    const ref = { name: check.text(name, 'name'), version: check.version(options.version) };
    const access = check.access(options);
    check.text(project, 'project');
    const outcome = options.client
      ? this.#get(project, [ref], access, options).then(([only]) => only)
      : this.#track(this.#gatherer.add(project, ref, access));
    return unwrap(await until(options.signal, outcome));
  }

  /** Opens many secrets, a thousand with a statement. Gives `{value}` or `{error}` for each. */
  async getMany(project, names, options = {}) {
    this.#begin(options);
    const refs = check.array(names, 'names').map((given) => {
      const item = typeof given === 'string' ? { name: given } : given;
      return { name: check.text(item.name, 'name'), version: check.version(item.version) };
    });
    const access = check.access(options);
    check.text(project, 'project');
    return until(options.signal,
      inParts(refs, (part) => this.#get(project, part, access, options)));
  }

  async sealValue(project, column, value, options = {}) {
    const [outcome] = await this.sealValues(project, column, [{ value, row: options.row }], options);
    return unwrap(outcome);
  }

  /** Seals many values of one column. Gives `{value}`, the sealed text, or `{error}` for each. */
  async sealValues(project, column, items, options = {}) {
    this.#begin(options);
    const given = check.array(items, 'items').map(
      ({ value, row }) => ({ value: check.bytes(value, 'value'), row: check.row(row) }));
    const bytes = given.map(({ value }) => value);
    const packed = [];
    for (let at = 0; at < bytes.length; at += BATCH) packed.push(pack(bytes.slice(at, at + BATCH)));
    return until(options.signal, inParts(given, (part) => this.#call(this.#native.startSealValues(
      check.text(project, 'project'), check.text(column, 'column'), packed.shift(),
      part.map(({ row }) => row), check.access(options), Boolean(options.client)), same, options)));
  }

  /** Gives the bytes of a sealed value. */
  async openValue(project, column, sealed, options = {}) {
    const [outcome] = await this.openValues(project, column, [{ sealed, row: options.row }], options);
    return unwrap(outcome);
  }

  /** Opens many sealed values of one column. Gives `{value}`, a Buffer, or `{error}` for each. */
  async openValues(project, column, items, options = {}) {
    this.#begin(options);
    const given = check.array(items, 'items').map(
      ({ sealed, row }) => ({ sealed: check.text(sealed, 'sealed'), row: check.row(row) }));
    return until(options.signal, inParts(given, (part) => this.#call(this.#native.startOpenValues(
      check.text(project, 'project'), check.text(column, 'column'),
      part.map(({ sealed }) => sealed), part.map(({ row }) => row), check.access(options),
      Boolean(options.client)), same, options)));
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
    const scheme = webhookScheme(options);
    const [verdict] = await until(options.signal, this.#call(this.#native.startVerify(
      check.text(project, 'project'), check.text(name, 'name'), scheme, pack([rawBody(body)]),
      signaturesOf(headers, scheme.header), check.wholeNumber(overlapSeconds, 'overlapSeconds'),
      check.access(options)), same));
    return unwrap(verdict);
  }

  /** Gives the signature of a body, as its header's value. */
  async signWebhook(project, name, { body, ...options }) {
    this.#begin(options);
    const [signature] = await until(options.signal, this.#call(this.#native.startSign(
      check.text(project, 'project'), check.text(name, 'name'), webhookScheme(options),
      pack([rawBody(body)]), check.access(options)), same));
    return unwrap(signature);
  }

  async list(project, { after = '', limit = 1000, ...options } = {}) {
    return takeList(await this.#run(options, 'list', check.text(project, 'project'),
      check.text(after, 'after'), check.wholeNumber(limit, 'limit')), withDates);
  }

  async versions(project, name, options = {}) {
    return takeList(await this.#run(options, 'versions', check.text(project, 'project'),
      check.text(name, 'name')), withDates);
  }

  async rollback(project, name, version, options = {}) {
    return toStored(await this.#run(options, 'rollback', check.text(project, 'project'),
      check.text(name, 'name'), check.version(version) ?? 0, check.access(options)));
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

  /** What was sealed for the label still opens; nothing more is sealed for it. */
  async removeColumn(label, options = {}) {
    return this.#run(options, 'removeColumn', check.text(label, 'label'), check.access(options));
  }

  async columns(options = {}) {
    return takeList(await this.#run(options, 'columns'), withDates);
  }

  /** Gives a project's audit entries, newest first. */
  async auditLog(project, { limit = 100, ...options } = {}) {
    return takeList(await this.#run(options, 'auditLog', check.text(project, 'project'),
      check.wholeNumber(limit, 'limit')), withDates);
  }

  async rotateKek(options = {}) {
    return this.#run(options, 'rotateKek', check.access(options));
  }

  async rotateDek(project, options = {}) {
    return this.#runJobs(options, 'rotateDeks', check.text(project, 'project'),
      check.access(options));
  }

  /** Refuses a KEK from the next read on, in every process, until it is resumed. */
  async suspendKek(id, options = {}) {
    return this.#run(options, 'suspendKek', check.wholeNumber(id, 'id'), check.access(options));
  }

  /** Gives a suspended KEK the state back that it had, and returns that. */
  async resumeKek(id, options = {}) {
    return this.#run(options, 'resumeKek', check.wholeNumber(id, 'id'), check.access(options));
  }

  /** For a KEK that somebody else may have: another one, fresh DEKs, everything sealed again. */
  async compromiseKek(id, options = {}) {
    return this.#runJobs(options, 'declareCompromised', check.wholeNumber(id, 'id'),
      check.access(options));
  }

  /** Deletes a KEK that nothing needs; the first call begins the wait of policy `destroy.wait`. */
  async destroyKek(id, { cancel = false, ...options } = {}) {
    return withDates(await this.#run(options, 'destroyKek', check.wholeNumber(id, 'id'),
      cancel === true, check.access(options)));
  }

  /** Refuses a project at once; after the wait `maintain` destroys its secrets and keys. */
  async retireProject(project, { cancel = false, ...options } = {}) {
    return withDates(await this.#run(options, 'retireProject', check.text(project, 'project'),
      cancel === true, check.access(options)));
  }

  async keks(options = {}) {
    return takeList(await this.#run(options, 'keks'), withDates);
  }

  async roots(options = {}) {
    return takeList(await this.#run(options, 'roots'), withDates);
  }

  /** Takes another root in; `scope` is a project that brings its own. */
  async addRoot(uri, { scope = 'default', ...options } = {}) {
    return this.#run(options, 'addRoot', check.text(uri, 'uri'), check.text(scope, 'scope'),
      check.access(options));
  }

  async replaceRoot(id, uri, options = {}) {
    return this.#run(options, 'replaceRoot', check.wholeNumber(id, 'id'), check.access(options),
      check.text(uri, 'uri'));
  }

  async removeRoot(id, options = {}) {
    return withDates(await this.#run(options, 'removeRoot', check.wholeNumber(id, 'id'),
      check.access(options)));
  }

  /** For a root that somebody else may have: new KEK, fresh DEKs, everything sealed again. */
  async compromiseRoot(id, options = {}) {
    return this.#runJobs(options, 'compromiseRoot', check.wholeNumber(id, 'id'),
      check.access(options));
  }

  /** Gives every wrapped key, and no secret, as a text for a file. */
  async exportKeys(options = {}) {
    return this.#run(options, 'exportKeys', check.access(options));
  }

  async maintain(options = {}) {
    return this.#runJobs(options, 'maintain', check.access(options));
  }

  async keyStatus(options = {}) {
    return withDates(await this.#run(options, 'keyStatus'));
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
    return this.#track(withErrors(this.#native[method](...args)));
  }

  /** Runs jobs, which an abort stops at their next batch; they go on at the next run. */
  async #runJobs(options, method, ...args) {
    const run = ++this.#runs;
    const stop = () => this.#native.stopJobs(run);
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      const { stopped, ...report } = await this.#run(options, method, ...args, run);
      if (stopped) throw cancelled();
      return report;
    } finally {
      options.signal?.removeEventListener('abort', stop);
    }
  }

  #get(project, refs, access, options) {
    return this.#call(this.#native.startGet(
      project, refs.map(({ name }) => name), refs.map(({ version }) => version), access,
      Boolean(options?.client)), Secret.of, options);
  }

  /** Drives a call to its end. */
  #call(call, make, options) {
    return this.#track(this.#driver.run(call, make, options?.client));
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
 *   callTimeoutMs?: number, state?: string}} options
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
