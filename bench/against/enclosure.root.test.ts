import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { until } from '../../test/e2e/program.ts';
import { runEnclosed } from './enclosure.ts';

const tree = join(import.meta.dirname, '../..');
let temporary = '';

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'ow-enclosure-'));
});
afterEach(() => rmSync(temporary, { recursive: true }));

/** Shorter than the processes live that a test leaves, so that a test cannot pass because they ended by themselves. */
const timeout = 40_000;

/** A program that leaves a process of its own session behind. The number of seconds identifies the process. */
function leavesProcess(seconds: string): string[] {
  return ['sh', '-c', `setsid sleep ${seconds} & touch /var/tmp/started; sleep ${seconds}`];
}

/** How many processes of this machine have the words in their command lines. */
function processesWith(words: string): number {
  const lines = readdirSync('/proc').map((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  });
  return lines.filter((line) => line.startsWith(`sleep ${words}`)).length;
}

const started = () => until('the program has started', () => existsSync(join(temporary, 'started')));
const secondsOf = (number: number) => `90.${process.pid}${number}`;

describe('an enclosed program', { timeout }, () => {
  test('gives its output, and its files in /var/tmp are in the folder of the run', async () => {
    const name = `ow-enclosure-${process.pid}`;
    const signal = new AbortController().signal;
    const said = await runEnclosed(['sh', '-c', `echo hello; touch /var/tmp/${name}`], {
      tree,
      temporary,
      signal,
    });
    assert.equal(said, 'hello\n');
    assert.deepEqual(readdirSync(temporary), [name]);
    assert.equal(existsSync(`/var/tmp/${name}`), false);
  });

  test('that fails is an error with its command and its own words', async () => {
    const failing = runEnclosed(['sh', '-c', 'echo no disk >&2; exit 3'], {
      tree,
      temporary,
      signal: new AbortController().signal,
    });
    await assert.rejects(failing, /^Error: sh -c echo no disk.* ended with 3:\nno disk$/);
  });

  test('takes all its processes along when a signal ends it', async () => {
    const stop = new AbortController();
    const run = runEnclosed(leavesProcess(secondsOf(1)), { tree, temporary, signal: stop.signal });
    await started();
    await until('both processes run', () => processesWith(secondsOf(1)) === 2);
    stop.abort('SIGINT');
    await assert.rejects(run, (reason) => reason === 'SIGINT');
    assert.equal(processesWith(secondsOf(1)), 0);
  });

  test('takes all its processes along when the benchmark itself is killed', async () => {
    const code = `import { runEnclosed } from ${JSON.stringify(join(import.meta.dirname, 'enclosure.ts'))};
      const [tree, temporary, ...command] = process.argv.slice(1);
      await runEnclosed(command, { tree, temporary, signal: new AbortController().signal });`;
    const argv = ['--input-type=module', '-e', code, tree, temporary, ...leavesProcess(secondsOf(2))];
    const benchmark = spawn(process.execPath, argv, { stdio: 'ignore' });
    await started();
    await until('both processes run', () => processesWith(secondsOf(2)) === 2);
    benchmark.kill('SIGKILL');
    await once(benchmark, 'exit');
    await until('no process is left', () => processesWith(secondsOf(2)) === 0);
  });

  test('takes the processes along that it leaves when it ends by itself', async () => {
    const command = ['sh', '-c', `setsid sleep ${secondsOf(3)} >/var/tmp/out 2>&1 & sleep 0.1`];
    await runEnclosed(command, { tree, temporary, signal: new AbortController().signal });
    assert.equal(processesWith(secondsOf(3)), 0);
  });
});
