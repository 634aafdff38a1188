const MOST = 64;

/**
 * Gathers gets of the same tick that may share a statement: same project, actor and reason. Each has
 * its own outcome.
 */
export class Gatherer {
  #waiting = new Map();
  #flush;

  /** @param {(project: string, refs: object[], access: object) => Promise<object[]>} flush */
  constructor(flush) {
    this.#flush = flush;
  }

  add(project, ref, access) {
    const key = JSON.stringify([project, access.actor, access.reason]);
    let group = this.#waiting.get(key);
    if (!group) {
      group = { refs: [], outcomes: null };
      group.outcomes = new Promise((resolve, reject) => {
        process.nextTick(() => {
          if (this.#waiting.get(key) === group) this.#waiting.delete(key);
          this.#flush(project, group.refs, access).then(resolve, reject);
        });
      });
      this.#waiting.set(key, group);
    }
    const index = group.refs.push(ref) - 1;
    if (group.refs.length >= MOST) this.#waiting.delete(key);
    return group.outcomes.then((outcomes) => outcomes[index]);
  }
}
