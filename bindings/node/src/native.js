// Finds and loads the addon: the one that a build names, a prebuilt package, or one built here.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Says where the addon may be, in the order in which it is looked for. */
function places() {
  const named = process.env.ROWSEAL_NODE_ADDON;
  if (named) return [named];
  return [`@rowseal/${process.platform}-${process.arch}-gnu`, '../build/rowseal.node'];
}

function load() {
  for (const place of places()) {
    try {
      return require(place);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(
    `rowseal: there is no addon for ${process.platform}-${process.arch}; ` +
      'run `npm install` with install scripts in a clone of the project');
}

export const native = load();
