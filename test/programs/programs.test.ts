// Every program of ours as a user starts it: help, a wrong command line, and readers that are slow or go away.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { piped } from '../../src/program/slow-reader-fixture.ts';

const root = join(import.meta.dirname, '../..');

/** Each by the arguments of node; orbctl by its commands. */
const programs = [
  ['dist/agent.mjs'],
  ['dist/apiserver.mjs'],
  ['dist/controller.mjs'],
  ['dist/orbctl.mjs', 'lab'],
  ['dist/orbctl.mjs', 'lab', 'ls'],
  ['dist/orbctl.mjs', 'trace'],
  ['dist/orbctl.mjs', 'check'],
  ['dist/orbctl.mjs', 'gc'],
  ['dist/orbctl.mjs', 'ip', 'who'],
  ['dist/orbctl.mjs', 'ip', 'free'],
  ['dist/orbctl.mjs', 'ip', 'history'],
  ['dist/orbctl.mjs', 'pool', 'top'],
  ['dist/orbctl.mjs', 'service', 'list'],
  ['dist/orbctl.mjs', 'service', 'backends'],
  ['dist/orbctl.mjs', 'service', 'explain'],
  ['dist/orbctl.mjs', 'subnet', 'tree'],
  ['dist/orbctl.mjs', 'openstack', 'check'],
  ['dist/orbctl.mjs', 'uninstall'],
  ['dist/orbctl.mjs', 'version'],
  ['test/conformance/main.ts'],
  ['test/image/main.ts'],
  ['test/kube/main.ts'],
  ['test/openstack/main.ts'],
  ['test/openstack/lab/main.ts'],
  ['test/sig/main.ts'],
  ['test/uml/main.ts'],
  ['test/random/main.ts'],
  ['test/soak/main.ts'],
  ['bench/main.ts'],
  ['tools/bare.ts'],
  ['tools/bpf/main.ts'],
  ['tools/build.ts'],
  ['tools/check.ts'],
  ['tools/fuzz-shim.ts'],
  ['tools/gen.ts'],
  ['tools/image/main.ts'],
  ['tools/matrix-page.ts'],
  ['tools/protobuf-messages.ts'],
  ['tools/test.ts'],
  ['tools/transcripts.ts'],
] as const;

/** Longer than the 64 KiB that a pipe holds, shorter than the 128 KiB that an argument may have. */
const longOption = `--${'x'.repeat(120_000)}`;

test('this file tests every program that is built and every program that tools/run starts', () => {
  const built = globSync('src/main/*.ts', { cwd: root }).map((file) =>
    file.replace(/^src\/main\/(.*)\.ts$/, 'dist/$1.mjs'),
  );
  const started = readFileSync(join(root, 'tools/run'), 'utf8').matchAll(/\bnode (\S+\.ts)/g);
  const tried: string[] = programs.map(([file]) => file);
  const all = [...built, ...Array.from(started, ([, file = '']) => file)];
  assert.ok(all.length > 10);
  assert.deepEqual(
    all.filter((file) => !tried.includes(file)),
    [],
  );
});

describe('each program', { concurrency: 2 }, () => {
  for (const [file, ...words] of programs) {
    const args = [join(root, file), ...words];
    const name = [file, ...words].join(' ');

    test(`prints its whole usage, and ends quietly when nobody reads it: ${name}`, async () => {
      const whole = await piped([...args, '--help'], 'sleep 0.2; cat');
      assert.deepEqual([whole.code, whole.said], [0, '']);
      assert.match(whole.read, /^usage/i);
      assert.deepEqual(
        whole.read.split('\n').filter((line) => line.length > 120),
        [],
      );
      assert.deepEqual(await piped([...args, '--help'], 'exec <&-; sleep 0.5'), {
        code: 0,
        read: '',
        said: '',
      });
    });

    test(`refuses an unknown option with exit code 2, and a slow reader gets the whole name: ${name}`, async () => {
      const { code, read } = await piped(
        ['-e', withErrorsOnOutput, ...args, longOption],
        `sleep 0.5; grep -o 'x*' | awk '{ print length }' | sort -n | tail -1`,
      );
      assert.deepEqual([code, Number(read)], [2, 120_000]);
    });
  }
});

/** Runs what follows with its standard error where its standard output is. */
const withErrorsOnOutput = `process.exitCode = require('node:child_process').spawnSync(process.execPath, process.argv.slice(1),
  { stdio: ['ignore', 'inherit', 1] }).status;`;
