// Makes the two packages as they are published, without publishing: build/packages/*.tgz. The addon is
// an optional dependency of its own for each platform, so nothing is built or run at an install.
// Usage: pack.mjs ADDON
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const here = path.resolve(import.meta.dirname, '..');
const packages = path.join(process.env.ROWSEAL_PACKAGES ?? path.join(here, 'build/packages'));
const addon = path.resolve(process.argv[2] ?? path.join(here, 'build/rowseal.node'));
const source = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8'));
const platform = `${process.platform}-${process.arch}-gnu`;

/** Packs a folder that holds the package. */
function pack(name, manifest, fill) {
  const folder = path.join(packages, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  copyFileSync(path.resolve(here, '../../LICENSE'), path.join(folder, 'LICENSE'));
  fill(folder);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', packages], { cwd: folder });
}

const { name, version, description, license, type, engines, exports, types } = source;
pack(platform, { name: `@rowseal/${platform}`, version, license, description: `${name}: the addon`,
  os: [process.platform], cpu: [process.arch], libc: ['glibc'], main: 'rowseal.node', engines },
(folder) => {
  copyFileSync(addon, path.join(folder, 'rowseal.node'));
  execFileSync('strip', ['--strip-unneeded', path.join(folder, 'rowseal.node')]);
});
pack(name, { name, version, description, license, type, engines, exports, types,
  optionalDependencies: { [`@rowseal/${platform}`]: version } },
(folder) => {
  cpSync(path.join(here, 'src'), path.join(folder, 'src'), { recursive: true });
  for (const file of ['index.d.ts', 'README.md']) copyFileSync(path.join(here, file), path.join(folder, file));
});
