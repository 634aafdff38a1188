// Runs every test; builds the program `rowseal`, which makes their stores, where ROWSEAL_CLI names none.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const here = path.resolve(import.meta.dirname, '..');
if (!process.env.ROWSEAL_CLI) {
  execFileSync(process.execPath, [path.join(here, 'scripts/build.mjs'), 'rowseal_cli'],
    { stdio: 'inherit' });
  process.env.ROWSEAL_CLI = path.join(here, 'build/rowseal');
}
const tests = readdirSync(path.join(here, 'test')).filter((name) => name.endsWith('_test.js'));
execFileSync(process.execPath,
  ['--expose-gc', '--test', ...tests.map((name) => path.join(here, 'test', name))],
  { stdio: 'inherit' });
