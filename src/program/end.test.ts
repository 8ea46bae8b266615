import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { piped } from './slow-reader-fixture.ts';

const module = JSON.stringify(join(import.meta.dirname, 'index.ts'));

/** A program whose work is `body`. */
function program(body: string): string[] {
  const source = `import { runToEnd, outputClosed, untilSignal } from ${module};
    await runToEnd('sample', async () => { ${body} });`;
  return ['--input-type=module', '-e', source];
}

/** Four megabytes. */
const lines = `for (let i = 0; i < 40_000; i++) process.stdout.write('x'.repeat(99) + '\\n');`;

describe('a program', () => {
  test('writes megabytes completely to a slow reader, and keeps its exit code', async () => {
    const { code, read, said } = await piped(
      program(`${lines} console.error('last'); return 1;`),
      'sleep 1; cat',
    );
    assert.deepEqual([code, read.length, said], [1, 4_000_000, 'last\n']);
  });

  test('writes an error completely to a slow reader, with exit code 2', async () => {
    const failing = program(`throw new Error('y'.repeat(2_000_000));`);
    const { code, read } = await piped(['-e', sharedOutput(failing)], 'sleep 1; cat');
    assert.deepEqual([code, read.length], [2, 'sample: \n'.length + 2_000_000]);
  });

  for (const [verdict, exit] of [
    ['return 0', 0],
    ['return 1', 1],
    ['return undefined', 0],
  ] as const) {
    test(`whose reader goes away ends quietly with its own exit code: ${verdict}`, async () => {
      const { code, read, said } = await piped(program(`${lines} ${verdict};`), 'head -3');
      assert.deepEqual([code, read.split('\n').length - 1, said], [exit, 3, '']);
    });
  }

  test('learns that nobody reads its output any more', async () => {
    const waits = `console.log('a'); await new Promise((done) => {
      const timer = setInterval(() => console.log('b'), 5);
      outputClosed.addEventListener('abort', () => { clearInterval(timer); done(); });
    }); return 5;`;
    assert.deepEqual(await piped(program(waits), 'head -1'), { code: 5, read: 'a\n', said: '' });
  });

  test('whose output cannot be written reports it and fails', async () => {
    const { code, said } = await piped(
      ['-e', redirected(program(`console.log('a'); return 0;`), '/dev/full')],
      'cat',
    );
    assert.equal(code, 2);
    assert.match(said, /^sample: the output was not written: ENOSPC/);
  });

  test('that waits for a slow reader can be ended by a signal, whatever handlers it had', async () => {
    const body = `void untilSignal('SIGTERM'); ${lines} console.error('ending'); return 0;`;
    const child = spawn(process.execPath, program(body), { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child.stderr, 'data');
    // The end of `work` comes at once after these words; until then the signal is waited for.
    const again = setInterval(() => child.kill('SIGTERM'), 20);
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearInterval(again);
    assert.equal(signal, 'SIGTERM');
  });
});

/** A program that runs another one with its standard error where its standard output is. */
function sharedOutput(args: readonly string[]): string {
  return `const { status } = require('node:child_process').spawnSync(process.execPath, ${JSON.stringify(args)},
    { stdio: ['ignore', 'inherit', 1] }); process.exitCode = status;`;
}

/** The same with a file as its standard output. */
function redirected(args: readonly string[], file: string): string {
  return `const { status } = require('node:child_process').spawnSync(process.execPath, ${JSON.stringify(args)},
    { stdio: ['ignore', require('node:fs').openSync(${JSON.stringify(file)}, 'w'), 'inherit'] });
    process.exitCode = status;`;
}
