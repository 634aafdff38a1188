import { connect } from 'rowseal';

globalThis.evaluations = (globalThis.evaluations ?? 0) + 1;  // for the test of reloads

// A development server evaluates this module again when it changes; the client stays.
export const secrets = await (globalThis.rowsealClient ??= connect({
  db: process.env.ROWSEAL_STORE, root: process.env.ROWSEAL_ROOT, actor: 'app' }));
