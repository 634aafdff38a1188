// Carries Rowseal's statements on the app's own `pg` pool or client.
import { setTimeout as sleep } from 'node:timers/promises';

import { RowsealError } from './errors.js';
import { native } from './native.js';

const FINAL = 0;
const GONE = 2;
const MOST_TRIES = 8;
// A maintenance statement may read a whole table.
const MAINTENANCE_TIMEOUT_MS = 600_000;

// No name of a maintenance statement is looked for on the path of the app's session.
const SAFE_PATH = 'pg_catalog, pg_temp';

// Cells stay as the server wrote them: Rowseal reads them by their types.
const RAW = { getTypeParser: () => (cell) => cell };

/** Tells whether a statement may have been carried out although its answer never came. */
function wasUnderWay(error, state) {
  return ['read', 'write'].includes(error?.syscall) || /^57P0[125]$/.test(state) ||
    (!error?.code && /terminated|closed/i.test(error?.message ?? ''));
}

/** Makes `{code, number, message, hint, failure, underWay}` of what `pg` or a pool threw. */
function classify(error, store) {
  const state = /^[0-9A-Z]{5}$/.test(error?.code ?? '') ? error.code : '08006';
  const said = state === '08006' ? 'the database does not answer' : String(error.message ?? '');
  return { ...native.classify(state, said, store), underWay: wasUnderWay(error, state) };
}

// Bytes of the largest secret, each in four characters. Rowseal asks for no larger cell.
const MOST_CHARACTERS = 4 * (16 * 1024 * 1024 + 4096);

/** A pool may answer anything: what is no result is an error of its own. */
function readResult(result, store) {
  const last = Array.isArray(result) ? result.at(-1) : result;
  if (!last || !Array.isArray(last.rows) || !Array.isArray(last.fields) ||
      !last.rows.every(Array.isArray)) {
    throw new RowsealError({
      code: 'internal', message: 'the database answered with something that is no result' });
  }
  if (last.rows.some((row) => row.some((cell) => cell?.length > MOST_CHARACTERS))) {
    throw classify({ code: 'XX001', message: 'a row holds a value that is larger than any of ' +
      'Rowseal\'s; it was not read' }, store);
  }
  return {
    types: last.fields.map((field) => Number(field.dataTypeID) >>> 0),
    rows: last.rows,
    changed: Number.isSafeInteger(last.rowCount) ? last.rowCount : 0,
  };
}

/** The app's database. `query` throws `{failure, …}` as `classify` makes it. */
export class PgDatabase {
  #db;
  #isPool;
  #timeout;
  #names;
  #transaction = null;
  #turn = Promise.resolve();

  constructor(db, { callTimeoutMs = 10_000, prepared = false } = {}) {
    this.#db = db;
    this.#isPool = typeof db.totalCount === 'number' || typeof db.idleCount === 'number';
    this.#timeout = callTimeoutMs;
    this.#names = prepared ? new Map() : null;
    this.store = String(db.options?.database ?? db.database ?? 'pg');
  }

  /** Runs a query once, on `on` or wherever the pool likes. */
  async query({ text, values, maintenance }, on = this.#db) {
    const config = { text, values, rowMode: 'array', types: RAW };
    if (this.#names && values) config.name = this.#nameOf(text);
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(
        { ...native.classify('57014', 'no answer in time', this.store), underWay: true }),
      maintenance ? MAINTENANCE_TIMEOUT_MS : this.#timeout);
    });
    try {
      const answer = Promise.resolve(on.query(config));
      answer.catch(() => {});
      return readResult(await Promise.race([answer, late]), this.store);
    } catch (error) {
      if (error instanceof RowsealError || error?.number !== undefined) throw error;
      throw classify(error, this.store);
    } finally {
      clearTimeout(timer);
    }
  }

  #nameOf(text) {
    let name = this.#names.get(text);
    if (!name) this.#names.set(text, (name = `rowseal_${this.#names.size + 1}`));
    return name;
  }

  /** Runs a call's query until it was carried out: every one may be carried out twice. */
  async queryPatiently(query) {
    let underWay = false;
    for (let tries = 0; ; ++tries) {
      try {
        return await (query.maintenance ? this.#queryOnSafePath(query) : this.query(query));
      } catch (error) {
        underWay ||= error.underWay === true;
        const again = error.failure !== undefined && error.failure !== FINAL && this.#isPool &&
          tries < MOST_TRIES;
        if (!again && underWay && query.changes) {
          throw native.classify('08007',
            'no answer came; whether the change was stored is not known', this.store);
        }
        if (!again) throw error;
        await sleep(20 * 2 ** tries * (0.5 + Math.random() / 2));
      }
    }
  }

  /** Runs a maintenance statement in a transaction of its own, or in the one that the app has open. */
  async #queryOnSafePath(query) {
    if (!this.#isPool && await this.#isInAppTransaction()) {
      const { rows } = await this.query({ text: "SELECT pg_catalog.current_setting('search_path')" });
      const setPath = (path) => this.query(
        { text: "SELECT pg_catalog.set_config('search_path', $1, true)", values: [path] });
      // Sent together, so that no statement of the app's comes between.
      const [, answer] = await Promise.all([setPath(SAFE_PATH), this.query(query),
        setPath(rows[0][0])]);
      return answer;
    }
    await this.#begin(`BEGIN; SET LOCAL search_path = ${SAFE_PATH}`);
    try {
      const answer = await this.query(query, this.#transaction.client);
      const ended = this.#end('COMMIT');
      await (query.changes ? ended : ended.catch(() => {}));  // what was read stays read
      return answer;
    } catch (error) {
      await this.#end('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  /** A savepoint is refused outside of a transaction, and changes nothing in one. */
  async #isInAppTransaction() {
    try {
      await this.query({ text: 'SAVEPOINT rowseal' });
      await this.query({ text: 'RELEASE SAVEPOINT rowseal' });
      return true;
    } catch {
      return false;
    }
  }

  /** Waits on a single client until no transaction of Rowseal's is open on it. */
  async whenFree() {
    if (!this.#isPool) await this.#turn;
  }

  /** Carries out what a native connection asks for. */
  async carryOut({ op, text, values, changes, maintenance }) {
    switch (op) {
      case 'begin':
        return this.#begin(text);
      case 'commit':
        return this.#end(text);
      case 'rollback':
        return this.#end(text).catch(() => ({ types: [], rows: [], changed: 0 }));
      default:
        return this.#transaction
          ? this.query({ text, values, maintenance }, this.#transaction.client)
          : this.queryPatiently({ text, values, changes, maintenance });
    }
  }

  async #begin(text) {
    let client = this.#db;
    let release = () => {};
    if (this.#isPool) {
      client = await this.#db.connect().catch((error) => { throw classify(error, this.store); });
      release = (broken) => client.release(broken);
    } else {
      this.#turn = new Promise((resolve) => { release = () => resolve(); });
    }
    try {
      const marks = await this.query({ text }, client);
      this.#transaction = { client, release };
      return marks;
    } catch (error) {
      release(true);
      throw error;
    }
  }

  async #end(text) {
    if (!this.#transaction) return { types: [], rows: [], changed: 0 };
    const { client, release } = this.#transaction;
    try {
      const answer = await this.query({ text }, client);
      this.#transaction = null;
      release();
      return answer;
    } catch (error) {
      this.#transaction = null;
      release(true);  // the pool throws the connection away, and the server rolls back
      throw error.number === undefined ? error : { ...error, failure: GONE };
    }
  }
}
