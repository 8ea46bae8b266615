import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');

test('without kube-proxy, agents serve all ways by packets and by sockets, and no cgroup stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-lab-'));
  const json = join(folder, 'facts.json');
  try {
    const flags = ['--once', '--no-kube-proxy', '--service', 'ebpf', '--json', json];
    const argv = [join(root, 'dist/orbctl.mjs'), 'lab', ...flags];
    const lab = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed, [code]] = await Promise.all([text(lab.stdout), once(lab, 'close')]);
    assert.equal(code, 0, printed);
    const { table } = JSON.parse(readFileSync(json, 'utf8')) as { table: { to: string; ok: boolean }[] };
    const services = table.filter(({ to }) => /ClusterIP|NodePort/.test(to));
    assert.ok(services.length > 100, `${services.length} cells`);
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const cgroups = mounts.map((line) => line.split(' ')).filter(([, , type]) => type === 'cgroup2');
    assert.ok(cgroups.length > 0);
    for (const [, path = ''] of cgroups)
      assert.equal(existsSync(join(path, `orbweaver-lab-${lab.pid}`)), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
