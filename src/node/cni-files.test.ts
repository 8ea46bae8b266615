import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCniFiles } from './cni-files.ts';

test('the configurations of a node are read, and nothing else of their folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-cni-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const conf = join(folder, 'net.d');
  assert.deepEqual(await readCniFiles(conf), []);
  mkdirSync(conf);
  writeFileSync(join(conf, '10-a.conflist'), '{}');
  writeFileSync(join(conf, 'calico-kubeconfig'), 'secret');
  writeFileSync(join(folder, 'elsewhere'), 'linked');
  symlinkSync('../elsewhere', join(conf, '20-b.conf'));
  symlinkSync('../nowhere', join(conf, '30-dangling.json'));
  mkdirSync(join(conf, '40-folder.conf'));
  execFileSync('mkfifo', [join(conf, '50-pipe.conf')]);
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  assert.deepEqual((await readCniFiles(conf)).sort(byName), [
    { name: '10-a.conflist', text: '{}' },
    { name: '20-b.conf', text: 'linked' },
  ]);
});
