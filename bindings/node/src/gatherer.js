// More would fill a turn of the event loop when their answers come together.
const MOST_IN_A_GROUP = 16;
const MOST_RUNNING = 4;

/**
 * Gathers gets that may share a statement: same project, actor and reason, of one tick, or waiting
 * because enough statements run. Each get has its own outcome.
 */
export class Gatherer {
  #open = new Map();
  #waiting = [];
  #running = 0;
  #isScheduled = false;
  #flush;

  /** @param {(project: string, refs: object[], access: object) => Promise<object[]>} flush */
  constructor(flush) {
    this.#flush = flush;
  }

  add(project, ref, access) {
    const key = `${project}\0${access.actor}\0${access.reason}`;
    const group = this.#open.get(key) ?? this.#begin(key, project, access);
    const index = group.refs.push(ref) - 1;
    if (group.refs.length >= MOST_IN_A_GROUP) this.#open.delete(key);
    return group.outcomes.then((outcomes) => outcomes[index]);
  }

  #begin(key, project, access) {
    const group = { key, project, access, refs: [], outcomes: null, resolve: null, reject: null };
    group.outcomes = new Promise((resolve, reject) => Object.assign(group, { resolve, reject }));
    this.#open.set(key, group);
    this.#waiting.push(group);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(() => {
        this.#isScheduled = false;
        this.#start();
      });
    }
    return group;
  }

  #start() {
    while (this.#running < MOST_RUNNING && this.#waiting.length > 0) {
      const group = this.#waiting.shift();
      if (this.#open.get(group.key) === group) this.#open.delete(group.key);
      ++this.#running;
      this.#flush(group.project, group.refs, group.access).then(group.resolve, group.reject)
        .finally(() => {
          --this.#running;
          this.#start();
        });
    }
  }
}
