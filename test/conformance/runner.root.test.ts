// A runner that passes everything is broken: plugins that are wrong on purpose, and the cases that must say so.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Outcome } from './case.ts';

/** Runs the suite against a shell script and gives the verdict of each case. */
function verdicts(
  script: string,
  profile: object,
): { exit: number | null; last: string; of: Map<number, Outcome> } {
  const folder = mkdtempSync(join(tmpdir(), 'ow-wrong-'));
  try {
    const plugin = join(folder, 'wrong');
    const outcomes = join(folder, 'outcomes.json');
    writeFileSync(plugin, `#!/bin/sh\n${script}\n`);
    chmodSync(plugin, 0o755);
    writeFileSync(
      join(folder, 'profile.json'),
      JSON.stringify({ type: 'wrong', parallel: 5, settleMs: 300, ...profile }),
    );
    const args = [
      'wrong',
      '--bin-dir',
      folder,
      '--bin-dir',
      '/usr/lib/cni',
      '--profile',
      join(folder, 'profile.json'),
      '--outcomes',
      outcomes,
    ];
    const done = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
      encoding: 'utf8',
    });
    const list = JSON.parse(readFileSync(outcomes, 'utf8')) as Outcome[];
    const last = done.stdout.trimEnd().split('\n').at(-1) ?? '';
    return { exit: done.status, last, of: new Map(list.map((outcome) => [outcome.number, outcome])) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function failed(of: Map<number, Outcome>): number[] {
  return [...of.values()].filter(({ verdict }) => verdict === 'FAIL').map(({ number }) => number);
}

test('a plugin that is content with everything and does nothing fails what it should refuse or give', () => {
  const script = `cat >/dev/null
[ "$CNI_COMMAND" = VERSION ] && echo '{"cniVersion":"1.1.0","supportedVersions":["1.0.0","1.1.0"]}'
exit 0`;
  const { exit, last, of } = verdicts(script, {
    kind: 'main',
    conf: { type: 'wrong' },
    agentStop: ':',
    agentStart: ':',
  });
  assert.equal(exit, 1);
  assert.deepEqual(failed(of), [2, 3, 4, 5, 6, 7, 8, 15, 16, 18, 19, 22]);
  assert.match(last, /^[0-9]+ passed, 12 failed, [0-9]+ skipped$/);
});

test('a plugin that prints text fails every case that reads its answer', () => {
  const { of } = verdicts('cat >/dev/null; echo hello; exit 0', { kind: 'main', conf: { type: 'wrong' } });
  for (const number of [1, 2, 9, 19, 25]) assert.equal(of.get(number)?.verdict, 'FAIL', `case ${number}`);
});

test('a wrapper that leaks, forgets and stumbles around host-local is found out', () => {
  // Gives every container one address, never releases, prints a line before the result, and cannot take a large stdin.
  const script = `
case "$CNI_COMMAND" in
VERSION) exec /usr/lib/cni/host-local ;;
DEL) cat >/dev/null; exit 0 ;;
ADD) conf=$(head -c 100000 | sed 's/"type":"wrong"/"type":"host-local"/')
     printf '%s' "$conf" | /usr/lib/cni/host-local ;;
*) exec /usr/lib/cni/host-local ;;
esac`;
  const conf = {
    type: 'wrong',
    ipam: { type: 'host-local', dataDir: '{dir}/leases', ranges: [[{ subnet: '10.94.0.0/16' }]] },
  };
  const { of } = verdicts(script, {
    kind: 'ipam',
    conf,
    leases: "find {dir}/leases -name '10.*' 2>/dev/null || true",
    notApplicable: { 21: 'calls no delegate' },
  });
  for (const number of [9, 10, 11, 22, 23, 24, 25])
    assert.equal(of.get(number)?.verdict, 'FAIL', `case ${number}`);
  assert.match(of.get(9)?.reason ?? '', /left: lease/);
  assert.equal(of.get(2)?.verdict, 'ok');
});

test('a plugin that gives one address to all is found out', () => {
  const script = `cat >/dev/null
[ "$CNI_COMMAND" = VERSION ] && echo '{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}'
[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}'
exit 0`;
  const { of } = verdicts(script, { kind: 'ipam', conf: { type: 'wrong' } });
  assert.match(of.get(22)?.reason ?? '', /given more than once: 10\.0\.0\.2\/24/);
});
