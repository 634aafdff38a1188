// Runs at `npm install`: where no prebuilt addon is there, builds it from the clone's sources into
// build/rowseal.node. Usage: build.mjs [TARGET]; `rowseal_cli` builds the program for the tests.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Debian 12's Node.js 18 runs this, and knows no import.meta.dirname.
const here = fileURLToPath(new URL('..', import.meta.url));
const root = path.resolve(here, '../..');
const build = path.join(here, 'build');
const target = process.argv[2] ?? 'rowseal_node';

function hasPrebuilt() {
  try {
    createRequire(import.meta.url).resolve(`@rowseal/${process.platform}-${process.arch}-gnu`);
    return true;
  } catch {
    return false;
  }
}

function run(program, ...args) {
  execFileSync(program, args, { stdio: 'inherit', cwd: root });
}

function main() {
  if (target === 'rowseal_node' && (process.env.ROWSEAL_NODE_ADDON || hasPrebuilt())) return;
  if (!existsSync(path.join(root, 'src/client'))) {
    console.error('rowseal: there is no prebuilt addon for this platform, and no sources to build it');
    process.exitCode = 1;
    return;
  }
  run('scripts/packages.sh', 'build', 'node');
  run('cmake', '-S', root, '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release',
    '-DROWSEAL_BUILD_NODE=ON', '-DROWSEAL_BUILD_CLI=ON', '-DROWSEAL_BUILD_TESTS=OFF');
  run('cmake', '--build', build, '--target', target);
  if (target === 'rowseal_node') {
    copyFileSync(path.join(build, 'node/rowseal.node'), path.join(build, 'rowseal.node'));
    run('strip', '--strip-unneeded', path.join(build, 'rowseal.node'));
  }
}

main();
