import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RandomVerdict } from './predicted.ts';
import { POD_COUNT } from './shape.ts';

const root = join(import.meta.dirname, '../../..');
/** Its pods show, without what repairs them, every fault that a strict router sees. */
const seed = 1;

interface Facts {
  readonly seed: number;
  readonly table: readonly RandomVerdict[];
}

test('pods of random shape reach and are reached as users may rely on, and as a trace predicts', {
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-random-'));
  const json = join(folder, 'facts.json');
  try {
    const argv = ['lab', '--once', '--matrix', 'random', '--seed', String(seed), '--json', json];
    const lab = spawn(process.execPath, [join(root, 'dist/orbctl.mjs'), ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: root,
    });
    const printed: Buffer[] = [];
    lab.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    const [code] = (await once(lab, 'close')) as [number];
    const text = Buffer.concat(printed).toString();
    const facts = JSON.parse(readFileSync(json, 'utf8')) as Facts;
    const failed = facts.table.filter(({ ok }) => !ok);
    assert.equal(code, 0, text);
    assert.equal(failed.length, 0);
    assert.equal(facts.seed, seed);
    assert.match(text, /\nagain: npm run lab -- --once --matrix random --seed 1\n/);
    const pods = new Set(facts.table.map(({ pod }) => pod));
    assert.equal(pods.size, POD_COUNT);
    assert.ok(facts.table.length > 3000, `${facts.table.length} cells`);
    assert.ok(facts.table.some(({ expected }) => expected === 'impossible'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
