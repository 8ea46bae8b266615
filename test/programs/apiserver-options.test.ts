// The API server's options: one that is refused is named as the user wrote it, and nothing is made.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const program = join(import.meta.dirname, '../../src/main/apiserver.ts');

for (const [option, value] of [
  ['--listen', 'here'],
  ['--listen-plain', 'here'],
  ['--advertise', 'here'],
  ['--advertise', '10.0.0.1:65536'],
  ['--listen-fd', 'three'],
  ['--node-port-range', '9-1'],
] as const) {
  test(`the error for ${option} ${value} names the option, and no token is written`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'ow-apiserver-options-'));
    try {
      const needed = ['--data-dir', join(folder, 'data'), '--token-file', join(folder, 'token')];
      const { status, stderr } = spawnSync(process.execPath, [program, ...needed, option, value], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.equal(status, 2, stderr);
      assert.ok(stderr.includes(option) && stderr.includes(value), stderr);
      assert.match(stderr, /allowed/);
      assert.deepEqual(readdirSync(folder), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
