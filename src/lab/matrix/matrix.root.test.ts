import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MatrixVerdict } from './paths.ts';

const root = join(import.meta.dirname, '../../..');

interface Facts {
  readonly table: readonly MatrixVerdict[];
}

/** Runs a lab of two nodes to its end. */
async function runLab(...flags: string[]): Promise<{ code: number; printed: string; facts: Facts }> {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-matrix-'));
  const json = join(folder, 'facts.json');
  try {
    const argv = [join(root, 'dist/orbctl.mjs'), 'lab', '--once', '--json', json, ...flags];
    const lab = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], cwd: root });
    const printed: Buffer[] = [];
    lab.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    const [code] = (await once(lab, 'close')) as [number];
    const facts = JSON.parse(readFileSync(json, 'utf8')) as Facts;
    return { code, printed: Buffer.concat(printed).toString(), facts };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the whole forwarding matrix', { timeout: 580_000 }, async (t) => {
  const { code, printed, facts } = await runLab('--matrix', 'full');
  const { table } = facts;

  await t.test('works in every cell, and every server sees the right address', () => {
    const failed = table.filter(({ ok }) => !ok);
    const lines = failed.map(
      ({ rows, from, to, family, protocol, reason, setting }) =>
        `row ${rows[0]}: ${from} → ${to} IPv${family} ${protocol}, ${JSON.stringify(setting)}: ${reason}`,
    );
    assert.deepEqual(lines.slice(0, 50), []);
    assert.equal(code, 0);
  });

  await t.test('has all thirty rows under every setting, and says so in its last line', () => {
    const rows = new Set(table.flatMap((verdict) => verdict.rows));
    assert.equal(rows.size, 30);
    for (const number of [10, 13, 18, 23]) {
      const of = table.filter((verdict) => verdict.rows[0] === number);
      const settings = of.map(({ setting }) => `${setting.natOutgoing} ${setting.encapsulation}`);
      const all = ['true none', 'false none', 'true vxlan', 'false vxlan'];
      assert.deepEqual([...new Set(settings)], all);
    }
    assert.match(printed, new RegExp(`^${table.length - 20} work, 20 cannot work .*, 0 failed$`, 'm'));
    assert.ok(table.length > 20_000, `${table.length} cells`);
  });

  await t.test('saw a source address wherever a server can report one', () => {
    const silent = table.filter(
      ({ expected, protocol, source }) => expected === 'works' && protocol !== 'icmp' && source === '',
    );
    assert.deepEqual(silent, []);
  });
});
