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
  test('suggests the right spelling of a mistyped command, option or value, with exit code 2', () => {
    for (const [args, meant] of [
      [['trcae'], /did you mean `trace`\?/],
      [['lab', '--onec'], /did you mean `?--once`?\?/],
      [['lab', '--matrix', 'ful'], /did you mean .?full/],
      [['completion', 'zhs'], /did you mean zsh\?/],
      [['lab', 'exce', 'node1'], /unexpected argument "exce"; did you mean exec\?/],
    ] as const) {
      const { status, stdout, stderr } = orbctl(...args);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
      assert.match(stderr, meant);
    }
  });

  test('names each wrong value and each missing argument once', () => {
    assert.equal(
      orbctl('trace', 'a', 'b', '--port', '0').stderr,
      'orbctl: --port "0": allowed are 1 to 65535\n',
    );
    assert.equal(orbctl('lab', 'exec').stderr, 'orbctl: an argument is missing: PLACE COMMAND\n');
    assert.equal(
      orbctl('lab', '--once', '--seed', '3').stderr,
      'orbctl: --seed works only with --matrix random\n',
    );
    for (const command of ['gc', 'uninstall', 'check']) {
      for (const name of ['A', '../kube-system', 'a-', 'a'.repeat(64)]) {
        const { status, stderr } = orbctl(command, '--namespace', name);
        assert.equal(status, 2);
        assert.ok(
          stderr.startsWith(`orbctl: --namespace ${JSON.stringify(name)}: allowed are 1 to 63 of a-z`),
          stderr,
        );
      }
    }
    assert.match(orbctl('trace').stderr, /an argument is missing: pod$/m);
    for (const actions of [[], ['--apply', '--back']]) {
      assert.match(
        orbctl('migrate', '--from', 'spiderpool', ...actions).stderr,
        /give one of --dry-run, --apply and --back$/m,
      );
    }
    assert.match(orbctl('migrate', '--dry-run').stderr, /--from/);
  });

  test('prints help of at most 120 columns, with the kind of value of each option', () => {
    const words = [
      [],
      ['check'],
      ['gc'],
      ['migrate'],
      ['ip', 'who'],
      ['ip', 'free'],
      ['ip', 'history'],
      ['pool', 'top'],
      ['netns', 'list'],
      ['netns', 'exec'],
      ['service', 'list'],
      ['service', 'backends'],
      ['service', 'explain'],
      ['subnet', 'tree'],
      ['lab'],
      ['lab', 'run'],
      ['lab', 'exec'],
      ['lab', 'ls'],
      ['trace'],
      ['completion'],
    ];
    for (const command of words) {
      const { stdout } = orbctl('help', ...command);
      const long = stdout.split('\n').filter((line) => line.length > 120);
      assert.deepEqual(long, [], command.join(' '));
      assert.doesNotMatch(stdout, /\bvalue\]/);
    }
    assert.match(orbctl('lab', '--help').stdout, /"orbctl lab run --help" shows its options/);
  });

  test('prints help as a command and as an option', () => {
    const { status, stdout } = orbctl('help', 'lab', 'exec');
    assert.equal(status, 0);
    assert.equal(stdout, orbctl('lab', 'exec', '--help').stdout);
    assert.match(stdout, /--namespace/);
    assert.equal(orbctl('help').stdout, orbctl('--help').stdout);
  });

  test('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    assert.equal(orbctl('version').stdout, `orbctl ${version}\n`);
    assert.deepEqual(JSON.parse(orbctl('version', '--json').stdout), { orbctl: version });
    assert.equal(orbctl('--version').stdout, `${version}\n`);
  });

  test('check compares the node with and without --node', () => {
    for (const args of [[], ['--node'], ['--json']]) {
      const { status, stderr } = orbctl('check', '--socket', '/nonexistent', ...args);
      assert.equal(status, 2);
      assert.match(stderr, /the agent of this node does not answer/);
    }
    const both = orbctl('check', '--repair', '-n', 'default');
    assert.deepEqual([both.status, /remove --namespace/.test(both.stderr)], [2, true]);
  });
});
