// Hands much to the addon, and takes much from it, in slices that leave the event loop free.
import { setImmediate as nextTurn } from 'node:timers/promises';

import { fromNative } from './errors.js';

// Rough nanoseconds: what a slice may take, what a cell costs, and a cell's character.
const SLICE = 200_000;
const CELL = 120;
const CHARACTER = 0.5;
const LONG_CELL = SLICE / CHARACTER;
const ITEMS = 256;

function weightOf(row) {
  let weight = 0;
  for (const cell of row) weight += CELL + (typeof cell === 'string' ? cell.length * CHARACTER : 0);
  return weight;
}

/** Gives cells that are too long for one turn ahead of their row, which says `true` in their place. */
async function deliverLongCells(row, target) {
  const short = [...row];
  for (const [column, cell] of row.entries()) {
    if (typeof cell !== 'string' || cell.length <= LONG_CELL) continue;
    short[column] = true;
    for (let at = 0; at < cell.length; at += LONG_CELL) {
      target.addPiece(cell.slice(at, at + LONG_CELL), at + LONG_CELL >= cell.length);
      await nextTurn();
    }
  }
  return short;
}

/** Gives an answer to a call or a connection: at once where it is small. */
export async function deliver({ types, rows, changed }, target, method) {
  let slice = [];
  let weight = 0;
  for (let row of rows) {
    const more = weightOf(row);
    if (more > SLICE) row = await deliverLongCells(row, target);
    if (weight + more > SLICE && slice.length > 0) {
      target.addRows(slice);
      await nextTurn();
      slice = [];
      weight = 0;
    }
    slice.push(row);
    weight += more;
  }
  target[method]({ types, rows: slice, changed });
}

/** Gives the items of a call's outcome as `{value}` or `{error}`, each value made by `make`. */
export async function takeItems(call, make) {
  const taken = call.take();
  if (Object.hasOwn(taken, 'error')) throw fromNative(taken.error);
  const { value: count } = taken;
  const outcomes = [];
  for (let from = 0; from < count; from += ITEMS) {
    if (from > 0) await nextTurn();
    const { values, errors } = call.items(from, Math.min(from + ITEMS, count));
    for (let i = 0; i < values.length; ++i) {
      outcomes.push(errors !== null && Object.hasOwn(errors, i)
        ? { error: fromNative(errors[i]) } : { value: make(values[i]) });
    }
  }
  return outcomes;
}

/**
 * Gives a list that a call on the client's thread made. `unreadable` are its rows that cannot be
 * read; it is no element, and what walks over the list or prints it does not see it.
 */
export async function takeList({ count, items, unreadable }) {
  const list = Object.defineProperty([], 'unreadable', { __proto__: null, value: unreadable });
  for (let from = 0; from < count; from += ITEMS) {
    if (from > 0) await nextTurn();
    list.push(...items(from, Math.min(from + ITEMS, count)));
  }
  return list;
}
