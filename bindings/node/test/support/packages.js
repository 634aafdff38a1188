// The packages as they would be published.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const here = path.resolve(import.meta.dirname, '../..');

export const addon = process.env.ROWSEAL_NODE_ADDON ?? path.join(here, 'build/rowseal.node');
export const platform = `@rowseal/${process.platform}-${process.arch}-gnu`;

/** Packs both into a folder. */
export function pack(folder) {
  execFileSync(process.execPath, [path.join(here, 'scripts/pack.mjs'), addon],
    { env: { ...process.env, ROWSEAL_PACKAGES: folder } });
  const [rowseal, forPlatform, ...more] = readdirSync(folder)
    .filter((name) => name.endsWith('.tgz')).sort().map((name) => path.join(folder, name));
  if (!forPlatform || more.length) throw new Error(`these are not two packages: ${folder}`);
  return { rowseal, forPlatform };
}

/** The environment of an app that must find the addon by itself. */
export function appEnvironment(more) {
  const environment = { ...process.env, ...more };
  delete environment.ROWSEAL_NODE_ADDON;
  return environment;
}
