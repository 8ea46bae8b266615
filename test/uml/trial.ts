// Tests what we rely on: the machine writes no file of ours, and nothing of it remains, however it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../kube/command.ts';
import type { Outcomes } from '../kube/outcome.ts';
import { Machine } from './machine.ts';

export async function tryMachine(outcomes: Outcomes): Promise<void> {
  using machine = new Machine();
  const { share } = machine;
  const script = join(import.meta.dirname, 'hang.ts');
  let ended: Awaited<ReturnType<Machine['boot']>> | undefined;
  await outcomes.check('a machine that hangs is ended after its timeout, and leaves no process', async () => {
    ended = await machine.boot({ env: {}, script, timeoutMs: 30_000, print: () => {} });
    assert.ok(ended.timedOut && existsSync(join(share, 'written')), ended.console);
    assert.deepEqual(processesOf(share), []);
  });
  await outcomes.check(
    'a machine writes to its shared folder, and to no other file of this machine',
    async () => {
      const refused = readFileSync(join(share, 'written'), 'utf8');
      assert.match(refused, /^EROFS EROFS$/, 'its own root, and this machine’s file system writable');
      assert.ok(!existsSync(join(import.meta.dirname, 'intruder')));
    },
  );
  await outcomes.check('a machine ends with its caller', async () => {
    const caller = spawn(process.execPath, [join(import.meta.dirname, 'boot.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [first] = (await once(caller.stdout, 'data')) as [Buffer];
    const folder = first.toString().trim();
    try {
      await until('the machine is up', 180, async () => existsSync(join(folder, 'written')));
      assert.notDeepEqual(processesOf(folder), []);
      caller.kill('SIGKILL');
      await until('no process is left', 60, async () => processesOf(folder).length === 0);
    } finally {
      caller.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });
}

/** The processes on this machine whose arguments contain the folder. */
function processesOf(share: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(share));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has ended since
  }
}
