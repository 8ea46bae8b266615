// A runner that passes everything is broken. Here plugins are wrong on purpose, and certain cases must report them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Outcome } from './case.ts';

/** Runs the suite against a shell script, and returns the verdict of each case. */
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

test('a plugin that accepts everything and does nothing fails the cases that expect a refusal or a result', () => {
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

test('the cases find a wrapper of host-local that never releases addresses and damages answers', () => {
  // It gives every container the same address, never releases it, prints a line before the result, and fails on a large stdin.
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

test('the cases find a plugin that gives one address to every pod', () => {
  const script = `cat >/dev/null
[ "$CNI_COMMAND" = VERSION ] && echo '{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}'
[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}'
exit 0`;
  const { of } = verdicts(script, { kind: 'ipam', conf: { type: 'wrong' } });
  assert.match(of.get(22)?.reason ?? '', /given more than once: 10\.0\.0\.2\/24/);
});

test('a plugin of version 1.1.0 with CHECK, STATUS, GC and an agent passes all applicable cases', () => {
  const script = `
conf=$(cat)
error() { printf '{"cniVersion":"1.1.0","code":%s,"msg":"%s"}' "$1" "$2"; exit 1; }
has() { printf %s "$conf" | grep -q "$1"; }
older() { printf %s "$conf" | sed 's/"cniVersion":"1.1.0"/"cniVersion":"1.0.0"/g' | /usr/lib/cni/host-local; }
case "$CNI_COMMAND" in
VERSION) echo '{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}' ;;
STATUS) [ -e "$STATE/stopped" ] && error 50 'the agent is away'; [ -e "$STATE/limping" ] && error 51 limping; exit 0 ;;
GC) name=$(printf %s "$conf" | sed 's/.*"name":"\\([^"]*\\)".*/\\1/')
    for lease in "$STATE/leases/$name"/10.*; do
      [ -e "$lease" ] || continue
      has "\\"containerID\\":\\"$(head -n 1 "$lease" | tr -d '\\r')\\"" || rm "$lease"
    done ;;
CHECK) has '"prevResult":{' || error 7 'CHECK needs prevResult'; older ;;
*) if has '"cniVersion":"1.1.0"'; then out=$(older); code=$?; echo "$out" | sed 's/"1.0.0"/"1.1.0"/'; exit $code; fi
   printf %s "$conf" | /usr/lib/cni/host-local ;;
esac`;
  const { exit, last, of } = verdicts(script, {
    kind: 'ipam',
    settleMs: 20_000,
    setup: 'echo STATE={dir}',
    conf: {
      type: 'wrong',
      ipam: { type: 'host-local', dataDir: '{dir}/leases', ranges: [[{ subnet: '10.93.0.0/16' }]] },
    },
    leases: "find {dir}/leases -name '10.*' 2>/dev/null || true",
    breakLease: "grep -l '^{container}' {dir}/leases/*/10.* | xargs rm",
    agentStop: 'touch {dir}/stopped',
    agentStart: 'rm -f {dir}/stopped {dir}/limping',
    agentDegrade: 'touch {dir}/limping',
    // host-local writes its leases in two steps. A kill -9 between them may leave a lease without an owner.
    notApplicable: { 21: 'calls no delegate', 23: 'a defect of host-local' },
  });
  const reasons = [...of.values()]
    .filter(({ verdict }) => verdict === 'FAIL')
    .map(({ number, reason }) => `${number}: ${reason}`);
  assert.deepEqual(reasons, []);
  for (const number of [13, 14, 15, 16, 17]) assert.equal(of.get(number)?.verdict, 'ok', `case ${number}`);
  assert.equal(exit, 0);
  assert.match(last, /^21 passed, 0 failed, 5 skipped$/);
});
