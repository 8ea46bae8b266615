// npm run check sees every program that is started: on a bare machine one was missing that every other machine has.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startsOf } from '../../tools/program-scan.ts';
import { programsOfScript } from '../../tools/program-words.ts';

const folder = mkdtempSync(join(tmpdir(), 'orbweaver-scan-'));
after(() => rmSync(folder, { recursive: true }));

/** The programs that a file of the end-to-end tests starts with this text. */
function programs(text: string): (string | undefined)[] {
  const home = process.cwd();
  process.chdir(folder);
  try {
    mkdirSync('test/e2e', { recursive: true });
    writeFileSync('test/e2e/sample.ts', text);
    return startsOf('test/e2e/sample.ts').map(({ program }) => program);
  } finally {
    process.chdir(home);
  }
}

const cases: readonly [what: string, text: string, expected: readonly (string | undefined)[]][] = [
  ['a program by its name', "spawnSync('sysctl', ['-qw', 'a=1'])", ['sysctl']],
  ['Node itself', 'spawn(process.execPath, [program])', ['node']],
  [
    'a program in another namespace',
    "execFileSync('ip', ['netns', 'exec', name, 'ping', '-c1'])",
    ['ip', 'ping'],
  ],
  ['a program that runs in a pod', "sandbox.run('ping', '-c1', address)", ['ping']],
  ['words of a variable above', "const words = ['nsenter', '--net=x', '--', 'ss'];", ['ss']],
  ['a shell script', "runProgram('sh', ['-c', `tcpdump -c1 | wc -l`])", ['sh', 'tcpdump', 'wc']],
  ['a line in a table of a test', "const damages = [['pod', 'sysctl -qw net.a=1']];", ['sysctl']],
  ['a program whose name only the caller knows', 'spawn(program, args)', [undefined]],
  ['no program in other words', "map.run; /ip -c/.exec(text); new Set(['pod', 'node']); say('pod');", []],
];
for (const [what, text, expected] of cases) {
  test(`the scan finds ${what}`, () => assert.deepEqual([...new Set(programs(text))], expected));
}

test('the scan ignores functions of a shell script, shell keywords, comments, quotations and patterns', () => {
  const script = `
# it's jq that nobody starts
say() { echo "it's $1 | awk" >&2; }
case $1 in
start | stop) say 'perl -e' ;;
esac
for ((i = 1; i <= 3; i++)); do conntrack -L >"$home/log" 2>&1 || exit 1; done
who=$(hostname -f) env A=1 timeout 5 curl "$2" && exec ip netns exec a tc qdisc`;
  assert.deepEqual(programsOfScript(script).toSorted(), [
    'conntrack',
    'curl',
    'env',
    'hostname',
    'ip',
    'tc',
    'timeout',
  ]);
});
