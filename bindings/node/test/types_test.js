// index.d.ts, the README and the code beside each other.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import ts from 'typescript';

import * as rowseal from '../src/index.js';

const here = path.resolve(import.meta.dirname, '..');
const read = (name) => readFileSync(path.join(here, name), 'utf8');

/** Gives what the compiler says of files, as `{code, text}`. */
function findings(files, options = {}) {
  const program = ts.createProgram(files, { strict: true, noEmit: true, noUncheckedIndexedAccess: true,
    target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'], ...options });
  assert.deepEqual(program.getGlobalDiagnostics(), []);
  return files.map((name) => program.getSourceFile(name)).flatMap((file) =>
    [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((finding) => {
      const { line } = file.getLineAndCharacterOfPosition(finding.start);
      const said = ts.flattenDiagnosticMessageText(finding.messageText, '\n');
      return { code: finding.code, text: `${file.fileName}:${line + 1}: ${said}` };
    }));
}

const indexTypes = path.join(here, 'index.d.ts');

/** Gives the names that a file declares at its top, and those of each class's members. */
function declared(name) {
  const names = {};
  for (const node of ts.createSourceFile(name, read(name), ts.ScriptTarget.Latest).statements) {
    if (ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node)) {
      names[node.name.text] = (node.members ?? []).map(({ name: member }) =>
        (ts.isComputedPropertyName(member) ? 'dispose' : member.text));
    }
  }
  return names;
}

const types = declared('index.d.ts');

describe('index.d.ts', () => {
  test('declares what the package exports', () => {
    assert.deepEqual(Object.keys(types).sort(), Object.keys(rowseal).sort());
  });

  test('declares every method of a client, and no other', () => {
    const internal = ['constructor', 'open'];  // `connect` calls it
    const methods = Object.getOwnPropertyNames(rowseal.Client.prototype)
      .filter((name) => !internal.includes(name));
    assert.deepEqual(types.Client.filter((name) => name !== 'dispose').sort(), methods.sort());
    assert.equal(typeof rowseal.Client.prototype[Symbol.asyncDispose], 'function');
  });

  test('declares what secrets and errors have', () => {
    const error = new rowseal.RowsealError({ code: 'internal', message: '' });
    for (const name of types.RowsealError) assert.ok(name in error, name);
    const parts = Object.fromEntries(types.Secret.map((name) => [name, null]));
    const secret = new rowseal.Secret({ ...parts, value: Buffer.from('v') });
    for (const name of types.Secret) assert.ok(name in secret, name);
  });

  test('knows every error code', () => {
    const [, union] = /type ErrorCode =([^;]*);/.exec(read('index.d.ts'));
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    const table = readFileSync(path.join(here, '../../src/base/error.cpp'), 'utf8');
    const native = [...table.matchAll(/CodeRow\{ErrorCode::k\w+, "(\w+)"/g)].map(([, code]) => code);
    assert.deepEqual(codes.sort(), native.sort());
  });

  test('serves an app that uses every call', () => {
    const file = path.join(here, 'test/types/every_call.ts');
    const text = readFileSync(file, 'utf8');
    for (const name of types.Client.filter((method) => method !== 'dispose')) {
      assert.match(text, new RegExp(`\\.${name}\\(`), `${name} is not tried`);
    }
    assert.deepEqual(findings([file, indexTypes]), []);
  });
});

test('the README\'s code has the types it needs', () => {
  const blocks = [...read('README.md').matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.ok(blocks.length >= 3);
  mkdirSync(path.join(here, 'build'), { recursive: true });
  const folder = mkdtempSync(path.join(here, 'build/readme-'));  // in the package, whose name it imports
  try {
    const files = blocks.map((code, index) => {
      const imports = code.match(/^import .*$/gm) ?? [];
      const rest = code.replace(/^import .*$/gm, '');
      const file = path.join(folder, `block_${index}.ts`);
      // A piece may return: it stands in a function of the app's. One that exports does not.
      writeFileSync(file, /^export /m.test(rest) ? code
        : `${imports.join('\n')}\nexport async function piece() {${rest}\nreturn null;\n}\n`);
      return file;
    });
    assert.deepEqual(findings([...files, path.join(here, 'test/types/readme_names.d.ts')]), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('no JavaScript names what is not there, or keeps what it does not use', () => {
  const files = ['src', 'scripts', 'test', 'test/support', 'test/sveltekit'].flatMap((folder) =>
    readdirSync(path.join(here, folder)).filter((name) => /\.m?js$/.test(name))
      .map((name) => path.join(here, folder, name)));
  // Of what the compiler says of JavaScript only this; the rest asks for types that nobody wrote.
  const names = [1005, 2304, 2305, 2307, 2552, 6133, 6192, 6196, 6198];
  assert.deepEqual(findings(files, { allowJs: true, checkJs: true, strict: false, noUnusedLocals: true,
    skipLibCheck: true }).filter(({ code }) => names.includes(code)), []);
});
