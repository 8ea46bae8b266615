// docs/threat-model.md: each stop names a test that exists, and what it says of Pod Security is what the chart has.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import description from '../../package.json' with { type: 'json' };

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('docs/threat-model.md');

test('each stop names a test that its file has', () => {
  const rows = page.split('\n').filter((line) => /^\| .*\| `[^`]+\.ts`(: ".*")? \|$/.test(line));
  assert.ok(rows.length > 25);
  const missing = rows.filter((row) => {
    const [, file = '', name = ''] = /\| `([^`]+\.ts)`(?:: "(.*)")? \|$/.exec(row) ?? [];
    return !read(file).replaceAll("\\'", "'").includes(name);
  });
  assert.deepEqual(missing, []);
});

test('every table of stops has a test in each row', () => {
  const sections = page.split(/^## /m).filter((section) => / test \|$/m.test(section));
  assert.ok(sections.length >= 6);
  for (const section of sections) {
    const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/ test \|$/.test(line));
    assert.deepEqual(
      rows.filter((row) => !/`[^`]+\.ts`(: ".*")? \|$/.test(row)),
      [],
    );
  }
});

test('what the chart asks of the node is what the page says', () => {
  const pods = ['agent', 'controller', 'multus', 'uninstall'].map((name) =>
    read(`deploy/chart/templates/${name}.yaml`),
  );
  const having = (pattern: RegExp) => pods.map((text) => pattern.test(text));
  assert.deepEqual(having(/hostNetwork: true/), [true, true, true, true]);
  assert.deepEqual(having(/^ +hostPath: /m), [true, false, true, false]);
  assert.deepEqual(having(/capabilities: \{drop: \[ALL\]\}/), [false, true, false, true]);
  assert.deepEqual(having(/runAsNonRoot: true/), [false, true, false, true]);
  assert.deepEqual(having(/readOnlyRootFilesystem: true/), [true, true, false, true]);
  assert.deepEqual(having(/seccompProfile: \{type: RuntimeDefault\}/), [false, true, false, true]);
  const images = read('deploy/chart/values.yaml').match(/^ +digest: ""/gm) ?? [];
  assert.equal(images.length, pods.length, 'each image can be pinned by its digest');
});

test('every dependency has an exact version, and the lock file has a hash of each package', () => {
  const { dependencies, devDependencies } = description;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^(npm:[\w@/.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  assert.deepEqual(loose, []);
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { readonly integrity?: string }>;
  };
  const unhashed = Object.entries(packages).filter(
    ([name, { integrity }]) => name !== '' && integrity === undefined,
  );
  assert.deepEqual(unhashed, []);
});
