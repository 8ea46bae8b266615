import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openStateDirectory } from './state-directory.ts';

let directory = '';
before(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'ow-state-')), 'queue');
});
after(() => rm(join(directory, '..'), { recursive: true }));

test('files are written and removed, temporary files are hidden, and only root can enter the directory', async () => {
  const files = await openStateDirectory(directory);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  await files.write('b.del', new Uint8Array([1, 2]));
  await files.write('a.del', new Uint8Array([3]));
  await writeFile(join(directory, '.c.del.1234'), 'half');
  await utimes(join(directory, 'a.del'), 2000, 2000);
  await utimes(join(directory, 'b.del'), 1000, 1000);
  assert.deepEqual(await files.list(), [
    { name: 'a.del', modifiedMs: 2_000_000 },
    { name: 'b.del', modifiedMs: 1_000_000 },
  ]);
  assert.deepEqual([...((await files.read('b.del')) ?? [])], [1, 2]);
  assert.equal(await files.read('none'), undefined);
  await files.rename('a.del', 'a.del.damaged');
  await files.remove('b.del');
  await files.remove('b.del');
  assert.deepEqual(
    (await files.list()).map(({ name }) => name),
    ['a.del.damaged'],
  );
});

test('the next start removes half-written files of a dead writer, and keeps those of a living one', async () => {
  const folder = join(directory, '..', 'attachments');
  await openStateDirectory(folder);
  for (const name of ['.old.json.12', '.new.json.34', 'whole.json']) await writeFile(join(folder, name), 'x');
  await utimes(join(folder, '.old.json.12'), 1000, 1000);
  await utimes(join(folder, 'whole.json'), 1000, 1000);
  await openStateDirectory(folder);
  const left = (await readdir(folder)).filter((name) => !name.startsWith('.spare-'));
  assert.deepEqual(left.toSorted(), ['.new.json.34', 'whole.json']);
});

test('foreign entries are ignored and do not end the agent: a FIFO, a directory, a dead link, gigabytes', async () => {
  const folder = join(directory, '..', 'foreign');
  await mkdir(join(folder, '.directory'), { recursive: true });
  await utimes(join(folder, '.directory'), 1000, 1000);
  await mkdir(join(folder, 'directory.json'));
  await symlink('/nowhere', join(folder, 'dead.json'));
  await symlink('loop.json', join(folder, 'loop.json'));
  assert.equal(spawnSync('mkfifo', [join(folder, 'fifo.json')]).status, 0);
  await writeFile(join(folder, 'large.json'), '');
  await truncate(join(folder, 'large.json'), 3 * 2 ** 30);
  await writeFile(join(folder, 'ours.json'), 'x');
  const files = await openStateDirectory(folder);
  assert.deepEqual(
    (await files.list()).map(({ name }) => name),
    ['ours.json'],
  );
  assert.equal((await readdir(folder)).filter((name) => !name.startsWith('.spare-')).length, 7);
});
