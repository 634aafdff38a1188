// Drives the addon's calls and its connection over the database.
import { badArgument, fromNative } from './errors.js';
import { native as addon } from './native.js';
import { deliver, takeItems } from './slices.js';

export class Driver {
  #native;
  #database;

  /** `database` is null for a SQLite store, which the addon reads itself. */
  constructor(native, database) {
    this.#native = native;
    this.#database = database;
  }

  /** Drives a call to its end, in the app's transaction where `client` has one open. */
  async run(call, make, client) {
    if (this.#database) {
      await this.#runOverPg(call, client);
    } else {
      if (client) throw badArgument('a SQLite store joins no transaction of the app');
      await this.#native.runCall(call);
    }
    return takeItems(call, make);
  }

  async #runOverPg(call, client) {
    if (!client) await this.#database.whenFree();
    for (;;) {
      let query = call.next();
      if (query === undefined) {
        await call.work();
        query = call.next();
      }
      if (query === null) return;
      try {
        const answer = await (client ? this.#database.query(query, client)
          : this.#database.queryPatiently(query));
        await deliver(answer, call, 'feed');
      } catch (error) {
        if (error.number === undefined) throw error;
        call.refuse(error.number, error.message, error.hint);
      }
    }
  }

  /** Carries out what the addon's own connection asks for. */
  async answer(question) {
    try {
      await deliver(await this.#database.carryOut(question), this.#native, 'answer');
    } catch (error) {
      const known = error?.number === undefined
        ? { ...addon.classify('XX000', String(error?.message ?? error), this.#database.store) }
        : error;
      this.#native.refuse(known.number, known.message, known.hint, known.failure);
    }
  }
}

/** Makes an error of what the addon rejected with. */
export async function withErrors(promise) {
  try {
    return await promise;
  } catch (error) {
    throw fromNative(error);
  }
}
