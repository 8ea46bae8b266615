// npm run: a wrong command line is refused before anything is built.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');

const builtMs = () => readdirSync(dist).map((name) => statSync(join(dist, name)).mtimeMs);

for (const [task, ...args] of [
  ['lab', '--bogus'],
  ['lab', '--nodes', '99'],
  ['test', '--bogus'],
  ['test', 'no-file-has-this-name'],
  ['test:kube', '--only', 'nothing'],
  ['test:uml', 'no-file-has-this-name'],
  ['conformance', 'macvlan', '--bogus'],
  ['conformance'],
  ['bench', 'nothing'],
  ['build', '--bogus'],
  ['check', '--bogus'],
  ['gen', '--bogus'],
  ['gen', 'transcripts', '--bogus'],
  ['bare'],
  ['bare', '--bogus'],
  ['conformance', 'nothing'],
  ['lab', '--once', '--seed', '3'],
  ['lab', 'exce', 'node1'],
  ['nothing'],
]) {
  test(`a wrong command line is refused before any build, with exit code 2: ${[task, ...args].join(' ')}`, () => {
    const before = builtMs();
    const run = spawnSync('sh', ['tools/run', task ?? '', ...args], { cwd: root, encoding: 'utf8' });
    assert.equal(run.status, 2, run.stderr);
    assert.notEqual(run.stderr, '');
    assert.equal(run.stdout, '');
    assert.deepEqual(builtMs(), before);
  });
}
