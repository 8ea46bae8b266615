// Compares the shim with an answer from the agent (STATUS) with a static C program that prints one line.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileC, compileShim } from '../tools/build.ts';
import { limitRow, type Row, ratioRow } from './row.ts';

const ROUNDS = 1000;

/** The median duration of each program in microseconds. The programs run in turn. */
function inTurn(launcher: string, programs: readonly string[]): number[] {
  const run = spawnSync(launcher, [String(ROUNDS), ...programs], {
    encoding: 'utf8',
    env: { CNI_COMMAND: 'STATUS' },
  });
  if (run.status !== 0) throw new Error(`the launcher failed: ${run.error?.message ?? run.stderr}`);
  return run.stdout.trim().split('\n').map(Number);
}

/**
 * The memory of a shim that waits for an agent, in kilobytes. It comes from the page tables, because ru_maxrss is wrong by
 * up to 32 pages per CPU (kernel 6.2 and later count in batches). That is more memory than a shim has.
 */
async function residentKb(shim: string): Promise<number> {
  const waiting = spawn(shim, [], { env: { CNI_COMMAND: 'ADD' }, stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    waiting.stdin.end('{"cniVersion":"1.1.0","name":"bench"}');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const smaps = readFileSync(`/proc/${waiting.pid}/smaps_rollup`, 'utf8');
    return Number(/^Rss: +([0-9]+) kB/m.exec(smaps)?.[1]);
  } finally {
    waiting.kill();
  }
}

/** Measures the shim. */
export async function benchShim(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ow-bench-shim-'));
  const socket = join(folder, 'agent.sock');
  const [shim, lonely, plain, launcher] = [
    join(folder, 'shim'),
    join(folder, 'lonely'),
    join(folder, 'one-line'),
    join(folder, 'in-turn'),
  ];
  compileShim({ output: shim, definitions: { OW_SOCKET_PATH: `"${socket}"` } });
  compileShim({ output: lonely, definitions: { OW_SOCKET_PATH: `"${folder}/nobody.sock"` } });
  compileC([join(import.meta.dirname, 'one-line.c')], plain, ['-O2', '-static', '-s']);
  compileC([join(import.meta.dirname, 'in-turn.c')], launcher, ['-O2', '-static']);
  const agent = spawn(process.execPath, [join(import.meta.dirname, 'shim-agent.ts'), socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(agent.stdout, 'data');
    inTurn(launcher, [shim, plain]);
    const [withAgent, alone] = inTurn(launcher, [shim, plain]);
    if (withAgent === undefined || alone === undefined) throw new Error('the launcher printed too little');
    return [
      ratioRow(
        'shim STATUS with answer from the agent, p50 : static C program that prints one line',
        'µs',
        withAgent,
        alone,
        1.5,
      ),
      limitRow('shim resident', 'MB', (await residentKb(lonely)) / 1024, 1),
    ];
  } finally {
    agent.kill();
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) console.log(JSON.stringify(await benchShim(), null, 2));
