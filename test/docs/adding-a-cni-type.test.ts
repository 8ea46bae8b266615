// docs/adding-a-cni-type.md: its worked example is followed in a copy of the source.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/adding-a-cni-type.md'), 'utf8');
let copy = '';

before(() => {
  copy = mkdtempSync(join(tmpdir(), 'ow-new-type-'));
  for (const name of [
    'src',
    'test',
    'tools',
    'bench',
    'docs',
    'package.json',
    'tsconfig.json',
    'biome.json',
  ]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  // The new files, and what they import.
  change('tsconfig.json', (text) => text.replace(/"include": .*/, '"include": ["src/cni"]'));
  write('src/cni/pass-through.ts');
  write('src/cni/pass-through.test.ts');
  write('test/conformance/profiles/pass-through.json');
  change('src/cni/served-types.ts', (text) => {
    const imported = text.replace(
      /^import .* from '\.\/plugin\.ts';$/m,
      (line) => `${blockAfter('import the plugin')}${line}`,
    );
    return imported.replace(
      /(servedTypes: readonly CniType\[\] = \[\n.*?)^\];$/ms,
      (_, list) => `${list}${blockAfter('Add an entry')}];`,
    );
  });
});
after(() => rmSync(copy, { recursive: true }));

/** The example under another name: the page's own name is taken in a clone whose owner has followed the page. */
function renamed(text: string): string {
  return text.replaceAll('pass-through', 'pass-throughs').replaceAll('PassThrough', 'PassThroughs');
}

/** The first block of code after these words, renamed. */
function blockAfter(words: string): string {
  const [, rest = ''] = page.split(words);
  const [, block = ''] = /```\w+\n(.*?)```/s.exec(rest) ?? [];
  assert.ok(block !== '', `the page has no code after "${words}"`);
  return renamed(block);
}

/** Writes the file that the page says to write. */
function write(file: string): void {
  writeFileSync(join(copy, renamed(file)), blockAfter(`Write \`${file}\``));
}

function change(file: string, edit: (text: string) => string): void {
  const before = readFileSync(join(copy, file), 'utf8');
  const after = edit(before);
  assert.notEqual(after, before);
  writeFileSync(join(copy, file), after);
}

/** What Node prints in the copy. Throws if it fails. */
function node(...args: string[]): string {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  return execFileSync(process.execPath, args, { cwd: copy, encoding: 'utf8', env, stdio });
}

test('the code of the page has the types and the format that npm run check wants', () => {
  assert.equal(node('node_modules/tsnative/bin/tsc', '-p', '.'), '');
  node(
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    '--error-on-warnings',
    'src/cni',
    'test/conformance/profiles',
  );
});

test('the test of the page passes, and fails when the plugin answers something else', () => {
  const ownTest = ['--test', 'src/cni/pass-throughs.test.ts'];
  node(...ownTest);
  const plugin = join(copy, 'src/cni/pass-throughs.ts');
  const text = readFileSync(plugin, 'utf8');
  writeFileSync(
    plugin,
    text.replace('return requirePrevResult(call);', 'requirePrevResult(call);\n    return {};'),
  );
  assert.throws(() => node(...ownTest));
  writeFileSync(plugin, text);
});

test('the new type is in the registry with its plugin, and its conformance cases are read', () => {
  const script = `
    import { servedTypes } from '#cni';
    import { readProfile } from './test/conformance/profile.ts';
    const { name, plugin, delNeeds } = servedTypes.at(-1);
    const { before, setup } = readProfile('test/conformance/profiles/pass-throughs.json', '/tmp');
    console.log(name, plugin({}).constructor.name, delNeeds, before[0].type, setup !== undefined);
    process.exit();`;
  const printed = node('--input-type=module', '--eval', script);
  assert.equal(printed, 'pass-throughs PassThroughsPlugin node macvlan true\n');
});
