import { EventEmitter } from 'node:events';

import * as check from './checks.js';
import { Driver, withErrors } from './driver.js';
import { badArgument, cancelled, fromNative, RowsealError } from './errors.js';
import { Gatherer } from './gatherer.js';
import { newMemory, write } from './intrinsics.js';
import { native } from './native.js';
import { discard, pack, packInParts } from './packing.js';
import { PgDatabase } from './pg_database.js';
import { Secret } from './secret.js';
import { takeList } from './slices.js';
import { rawBody, signaturesOf, webhookScheme } from './webhook.js';

const SEALED = 'rs1.';
// Items of a batch that go with one statement.
const BATCH = 1000;

const same = (value) => value;
const toStored = ([id, version]) => ({ id, version });

function unwrap(outcome) {
  if (Object.hasOwn(outcome, 'error')) throw fromNative(outcome.error);
  return outcome.value;
}

/** Gives a Buffer with memory of its own: `Buffer.from` puts small values into memory that is shared. */
function bufferOf(text) {
  const memory = newMemory(Buffer.byteLength(text));
  write(memory, 0, text);
  return Buffer.from(memory.buffer);
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
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Runs a batch in parts, one after the other. */
async function inParts(items, run) {
  const outcomes = [];
  for (let at = 0; at < items.length; at += BATCH) {
    outcomes.push(...await run(items.slice(at, at + BATCH), at));
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
    const given = check.own(options);
    const { db, root, roots = root === undefined ? [] : [root], actor, state = '',
      installation = '', onRollback = 'read' } = given;
    const isFile = typeof db === 'string';
    if (isFile ? !db.startsWith('sqlite:') : typeof db?.query !== 'function') {
      throw badArgument('`db` is neither a pg Pool or Client nor `sqlite:PATH`');
    }
    if (!['read', 'refuse'].includes(onRollback)) {
      throw badArgument('`onRollback` is neither `read` nor `refuse`');
    }
    if (installation !== '' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(installation)) {
      throw badArgument('`installation` is no uuid in lower case', 'keyStatus() shows it');
    }
    const uris = check.array(roots, '`roots`');
    const database = isFile ? null : new PgDatabase(db, given);
    this.#native = new native.NativeClient(
      { store: isFile ? check.text(db, 'db') : database.store,
        roots: uris.map((uri) => check.text(uri, 'root')), actor: check.text(actor, 'actor'),
        state: check.text(state, 'state'), installation: check.text(installation, 'installation'),
        onRollback: check.text(onRollback, 'onRollback') },
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
    const given = check.own(options);
    const [outcome] = await this.putMany(project, [{ ...given, name, value }], given);
    return unwrap(outcome);
  }

  /** Stores many values in one transaction. Gives `{value}` or `{error}` for each. */
  async putMany(project, items, options = {}) {
    const given = this.#begin(options);
    const fields = { names: [], kinds: [], expires: [], createOnly: [] };
    const values = check.array(items, 'items').map((listed) => {
      const item = check.own(listed, 'an item');
      fields.names.push(check.text(item.name, 'name'));
      fields.kinds.push(item.kind === undefined ? '' : check.kind(item.kind));
      fields.expires.push(check.time(item.expiresAt, 'expiresAt'));
      fields.createOnly.push(item.createOnly === true);
      const value = check.bytes(item.value, 'value');
      if (item.kind === 'webhook' && check.sizeOf(value) === 0) {
        throw badArgument('the value for a webhook secret is empty',
          'anybody can make the signatures of an empty secret; give the sender\'s');
      }
      return value;
    });
    check.text(project, 'project');
    const access = check.access(given);
    return this.#call(this.#native.startPut(project, fields, pack(values), given.allOrNone === true,
      access, Boolean(given.client)), toStored, given);
  }

  async get(project, name, options = {}) {
    const given = this.#begin(options);
    const ref = { name: check.text(name, 'name'), version: check.version(given.version) };
    const access = check.access(given);
    check.text(project, 'project');
    const outcome = given.client
      ? this.#get(project, [ref], access, given).then(([only]) => only)
      : this.#track(this.#gatherer.add(project, ref, access));
    return unwrap(await until(given.signal, outcome));
  }

  /** Opens many secrets, a thousand with a statement. Gives `{value}` or `{error}` for each. */
  async getMany(project, names, options = {}) {
    const given = this.#begin(options);
    const refs = check.array(names, 'names').map((listed) => {
      const item = typeof listed === 'string' ? { name: listed } : check.own(listed, 'a name');
      return { name: check.text(item.name, 'name'), version: check.version(item.version) };
    });
    const access = check.access(given);
    check.text(project, 'project');
    return until(given.signal,
      inParts(refs, (part) => this.#get(project, part, access, given)));
  }

  async sealValue(project, column, value, options = {}) {
    const given = check.own(options);
    const [outcome] = await this.sealValues(project, column, [{ value, row: given.row }], given);
    return unwrap(outcome);
  }

  /** Seals many values of one column. Gives `{value}`, the sealed text, or `{error}` for each. */
  async sealValues(project, column, items, options = {}) {
    const given = this.#begin(options);
    const values = [];
    const rows = check.array(items, 'items').map((listed) => {
      const item = check.own(listed, 'an item');
      values.push(check.bytes(item.value, 'value'));
      return check.row(item.row);
    });
    const access = check.access(given);
    check.text(project, 'project');
    check.text(column, 'column');
    const packed = packInParts(values, BATCH);
    const sealed = inParts(rows, (part, at) => this.#call(this.#native.startSealValues(
      project, column, packed[at / BATCH], part, access, Boolean(given.client)), same, given));
    return until(given.signal, sealed.finally(() => discard(packed)));
  }

  /** Gives the bytes of a sealed value. */
  async openValue(project, column, sealed, options = {}) {
    const given = check.own(options);
    const [outcome] = await this.openValues(project, column, [{ sealed, row: given.row }], given);
    return unwrap(outcome);
  }

  /** Opens many sealed values of one column. Gives `{value}`, a Buffer, or `{error}` for each. */
  async openValues(project, column, items, options = {}) {
    const given = this.#begin(options);
    const values = check.array(items, 'items').map((listed) => {
      const item = check.own(listed, 'an item');
      return { sealed: check.text(item.sealed, 'sealed'), row: check.row(item.row) };
    });
    const access = check.access(given);
    check.text(project, 'project');
    check.text(column, 'column');
    return until(given.signal, inParts(values, (part) => this.#call(this.#native.startOpenValues(
      project, column, part.map(({ sealed }) => sealed), part.map(({ row }) => row), access,
      Boolean(given.client)), same, given)));
  }

  /** For the time of a migration: plaintext passes; what begins with `rs1.` opens or is an error. */
  async openIfSealed(project, column, text, options = {}) {
    this.#begin(options);
    if (!check.text(text, 'text').startsWith(SEALED)) {
      return { value: bufferOf(text), sealed: false };
    }
    return { value: await this.openValue(project, column, text, options), sealed: true };
  }

  /**
   * Checks a webhook's signature over the raw body; the secret never reaches JavaScript. `headers`
   * is a Headers, Node's object of headers, or the header's value. Gives `{valid: true, version}` or
   * `{valid: false, reason, hint}`.
   */
  async verifyWebhook(project, name, options) {
    const given = this.#begin(options);
    const scheme = webhookScheme(given);
    const signatures = signaturesOf(given.headers, scheme.header);
    const overlap = check.wholeNumber(given.overlapSeconds ?? 0, 'overlapSeconds');
    const access = check.access(given);
    const [verdict] = await until(given.signal, this.#call(this.#native.startVerify(
      check.text(project, 'project'), check.text(name, 'name'), scheme, pack([rawBody(given.body)]),
      signatures, overlap, access), same));
    return unwrap(verdict);
  }

  /** Gives the signature of a body, as its header's value. */
  async signWebhook(project, name, options) {
    const given = this.#begin(options);
    const [signature] = await until(given.signal, this.#call(this.#native.startSign(
      check.text(project, 'project'), check.text(name, 'name'), webhookScheme(given),
      pack([rawBody(given.body)]), check.access(given)), same));
    return unwrap(signature);
  }

  async list(project, options = {}) {
    const { after = '', limit = 1000, ...given } = check.own(options);
    return takeList(await this.#run(given, 'list', check.text(project, 'project'),
      check.text(after, 'after'), check.wholeNumber(limit, 'limit')));
  }

  async versions(project, name, options = {}) {
    return takeList(await this.#run(options, 'versions', check.text(project, 'project'),
      check.text(name, 'name'), check.access(options)));
  }

  async rollback(project, name, version, options = {}) {
    return toStored(await this.#run(options, 'rollback', check.text(project, 'project'),
      check.text(name, 'name'), check.access(options),
      check.required(check.version(version), 'version')));
  }

  async rename(project, name, newName, options = {}) {
    return this.#run(options, 'rename', check.text(project, 'project'), check.text(name, 'name'),
      check.access(options), check.text(newName, 'newName'));
  }

  async delete(project, name, options = {}) {
    return this.#run(options, 'remove', check.text(project, 'project'), check.text(name, 'name'),
      check.access(options));
  }

  /** Sets the newest version's expiry; null removes it. */
  async expire(project, name, expiresAt, options = {}) {
    if (expiresAt === undefined) throw badArgument('expiresAt is missing', 'null: it never expires');
    return this.#run(options, 'expire', check.text(project, 'project'), check.text(name, 'name'),
      check.access(options), check.time(expiresAt, 'expiresAt'));
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
    return takeList(await this.#run(options, 'columns'));
  }

  /** Gives a project's audit entries, newest first. */
  async auditLog(project, options = {}) {
    const { limit = 100, ...given } = check.own(options);
    return takeList(await this.#run(given, 'auditLog', check.text(project, 'project'),
      check.wholeNumber(limit, 'limit')));
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
  async destroyKek(id, options = {}) {
    const { cancel = false, ...given } = check.own(options);
    return this.#run(given, 'destroyKek', check.wholeNumber(id, 'id'), cancel === true,
      check.access(given));
  }

  /** Refuses a project at once; after the wait `maintain` destroys its secrets and keys. */
  async retireProject(project, options = {}) {
    const { cancel = false, ...given } = check.own(options);
    return this.#run(given, 'retireProject', check.text(project, 'project'), cancel === true,
      check.access(given));
  }

  async keks(options = {}) {
    return takeList(await this.#run(options, 'keks'));
  }

  /**
   * Lists the rows of DEKs that nothing can open; with `discard` those that no version and no value
   * names are deleted. `unreadable` are columns that cannot be looked into: then none is deleted.
   */
  async unreadableDeks(options = {}) {
    const { project = '', discard = false, ...given } = check.own(options);
    return takeList(await this.#run(given, 'unreadableDeks', check.text(project, 'project'),
      discard === true, check.access(given)));
  }

  async roots(options = {}) {
    return takeList(await this.#run(options, 'roots'));
  }

  /** Takes another root in; `scope` is a project that brings its own. */
  async addRoot(uri, options = {}) {
    const { scope = 'default', ...given } = check.own(options);
    return this.#run(given, 'addRoot', check.text(uri, 'uri'), check.text(scope, 'scope'),
      check.access(given));
  }

  async replaceRoot(id, uri, options = {}) {
    return this.#run(options, 'replaceRoot', check.wholeNumber(id, 'id'), check.access(options),
      check.text(uri, 'uri'));
  }

  async removeRoot(id, options = {}) {
    return this.#run(options, 'removeRoot', check.wholeNumber(id, 'id'), check.access(options));
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

  /** Gives a copy of the options that nothing changes any more. */
  #begin(options) {
    if (this.#closed) throw badArgument('the client is closed', 'connect again');
    const given = check.own(options);
    if (check.signal(given.signal)?.aborted) throw cancelled();
    return given;
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
    const { signal } = this.#begin(options);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const report = await this.#run({ signal }, method, ...args, run);
      if (report.stopped) throw cancelled();
      return report;
    } finally {
      signal?.removeEventListener('abort', stop);
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
 *   callTimeoutMs?: number, state?: string,
 *   installation?: string, onRollback?: 'read' | 'refuse'}} options
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
