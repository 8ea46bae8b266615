// `ifacer` must follow the CNI specification when it makes an interface. When it makes none, all cases run on any kernel.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../uml/kernel-part.ts';

const runner = join(import.meta.dirname, 'main.ts');

/** The cases that depend on its interface: ADD twice, DEL without the namespace, GC, a failed ADD, the rest of a chain. */
const cases = [8, 11, 17, 18, 20];

test(
  'an ifacer that makes a VLAN passes the cases that check what is left behind',
  needs('vlan', 'nftables'),
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'ow-ifacer-'));
    try {
      const conf = join(folder, 'conf.json');
      writeFileSync(conf, JSON.stringify({ type: 'ifacer', interfaces: ['lan0'], vlanID: 100 }));
      const chosen = cases.flatMap((number) => ['--case', String(number)]);
      const { stdout, stderr } = spawnSync(process.execPath, [runner, 'ifacer', '--conf', conf, ...chosen], {
        encoding: 'utf8',
        env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      });
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      assert.equal(last, `${cases.length} passed, 0 failed`, stdout + stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
