// orbctl's words where no lab and no agent is needed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');

function orbctl(...args: string[]) {
  const argv = [join(root, 'dist/orbctl.mjs'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('orbctl', () => {
  test('says what was meant by a mistyped command, option or value, with exit code 2', () => {
    for (const [args, meant] of [
      [['trcae'], /did you mean `trace`\?/],
      [['lab', '--onec'], /did you mean `?--once`?\?/],
      [['lab', '--matrix', 'ful'], /did you mean .?full/],
      [['completion', 'zhs'], /did you mean zsh\?/],
    ] as const) {
      const { status, stdout, stderr } = orbctl(...args);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
      assert.match(stderr, meant);
    }
  });

  test('has help as a command and as an option', () => {
    const { status, stdout } = orbctl('help', 'lab', 'exec');
    assert.equal(status, 0);
    assert.equal(stdout, orbctl('lab', 'exec', '--help').stdout);
    assert.match(stdout, /--namespace/);
    assert.equal(orbctl('help').stdout, orbctl('--help').stdout);
  });

  test('tells its version, which is that of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    assert.equal(orbctl('version').stdout, `orbctl ${version}\n`);
    assert.deepEqual(JSON.parse(orbctl('version', '--json').stdout), { orbctl: version });
    assert.equal(orbctl('--version').stdout, `${version}\n`);
  });

  test('check is about the node, whether --node is said or not', () => {
    for (const args of [[], ['--node'], ['--json']]) {
      const { status, stderr } = orbctl('check', '--socket', '/nonexistent', ...args);
      assert.equal(status, 2);
      assert.match(stderr, /the agent of this node does not answer/);
    }
    const both = orbctl('check', '--repair', '-n', 'default');
    assert.deepEqual([both.status, /leave --namespace out/.test(both.stderr)], [2, true]);
  });
});
