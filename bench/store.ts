// The embedded API server: durable writes per second over HTTP, while ten watchers get each write.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { floorRow, limitRow, median, type Row } from './row.ts';
import type { Load, Outcome } from './store-load.ts';

const TARGET = 2000;
const load = { writers: 32, watchers: 10, objectBytes: 500 } as const;

/** The disk's speed: writes per second, each synced before the next one begins. */
function syncedWritesPerSecond(folder: string, count: number): number {
  const file = openSync(join(folder, 'synced'), 'w');
  const bytes = Buffer.alloc(load.objectBytes, 'x');
  const began = performance.now();
  for (let written = 0; written < count; written++) {
    writeSync(file, bytes);
    fdatasyncSync(file);
  }
  closeSync(file);
  return (count / (performance.now() - began)) * 1000;
}

async function startServer(folder: string): Promise<{ server: ChildProcess; url: string; token: string }> {
  const token = 'a-token-of-the-benchmark-that-is-long-enough';
  writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
  const program = join(import.meta.dirname, '../dist/apiserver.mjs');
  const flags = ['--data-dir', join(folder, 'api'), '--token-file', join(folder, 'token')];
  const server = spawn(process.execPath, [program, ...flags, '--listen-plain', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  return { server, url, token };
}

/** One run of the load generator, which is its own process. */
async function generate(order: Load): Promise<Outcome> {
  const argv = [join(import.meta.dirname, 'store-load.ts'), JSON.stringify(order)];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error('the load generator failed: see above');
  return JSON.parse(Buffer.concat(out).toString()) as Outcome;
}

/** Measures the store. */
export async function benchStore(quick: boolean): Promise<Row[]> {
  const folder = mkdtempSync('/var/tmp/orbweaver-bench-');
  const { server, url, token } = await startServer(folder);
  try {
    const writes = quick ? 3000 : 10_000;
    await generate({ ...load, url, token, writes: 3000, name: 'warm' });
    const [rates, synced]: [number[], number[]] = [[], []];
    let lost = 0;
    for (let round = 0; round < 3; round++) {
      synced.push(syncedWritesPerSecond(folder, 300));
      const outcome = await generate({ ...load, url, token, writes, name: `round-${round}` });
      rates.push(outcome.writesPerSecond);
      lost += outcome.lostEvents;
    }
    const name = `durable writes over HTTP, ${load.writers} in parallel, each to ${load.watchers} watchers`;
    return [
      floorRow(`${name} : one fdatasync after another`, 'writes/s', median(rates), TARGET, median(synced)),
      limitRow('durable writes over HTTP: events that a watcher did not get', 'events', lost, 0),
    ];
  } finally {
    server.kill();
    await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}
