// `eni-vlan` must follow the CNI specification. This kernel may have no VLANs, so the runner alone may not try it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../uml/kernel-part.ts';

/** DEL without the namespace and without the agent, CHECK, GC, a failed ADD, and kill -9. */
const cases = [11, 13, 14, 17, 18, 23];

test(
  'an interface of eni-vlan passes the cases that check what is left behind',
  needs('vlan', 'nftables'),
  () => {
    const chosen = cases.flatMap((number) => ['--case', String(number)]);
    const runner = join(import.meta.dirname, 'main.ts');
    const { stdout, stderr } = spawnSync(process.execPath, [runner, 'eni-vlan', ...chosen], {
      encoding: 'utf8',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    assert.equal(last, `${cases.length} passed, 0 failed`, stdout + stderr);
  },
);
