// Durable files, records and locks.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  keepRecord,
  lockFile,
  readRecord,
  removeDurably,
  writeDurably,
  writeRecord,
  writeWhole,
} from './files.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ow-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

for (const [how, write] of [
  ['durable', writeDurably],
  ['whole', writeWhole],
] as const) {
  test(`a ${how} write replaces the content, is private, and leaves no other file beside it`, async () => {
    const path = join(directory, 'a.json');
    await write(path, 'old');
    await write(path, 'new');
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['a.json']);
  });
}

test('a write that fails leaves the old content and no other file beside it', async () => {
  const path = join(directory, 'taken');
  await writeDurably(join(directory, 'x'), '');
  await assert.rejects(writeDurably(join(directory, 'x', 'below'), 'new'));
  await writeDurably(path, 'old');
  await assert.rejects(writeDurably(directory, 'onto a directory'));
  assert.deepEqual(readdirSync(directory).sort(), ['taken', 'x']);
});

test('a file is removed once', async () => {
  const path = join(directory, 'a');
  await writeDurably(path, '');
  assert.deepEqual([await removeDurably(path), await removeDurably(path)], [true, false]);
});

test('a record reads back as it was written', async () => {
  const path = join(directory, 'r.json');
  const body = { pod: 'default/a', addresses: ['10.6.0.1/16'], nested: { z: 1, a: null } };
  await writeRecord(path, body);
  assert.deepEqual(await readRecord(path), body);
  assert.equal(await readRecord(join(directory, 'none')), undefined);
});

for (const [damage, text] of [
  ['cut short', '{"checksum":"sha256:00","bo'],
  ['changed', '{"checksum":"sha256:00","body":{"a":1}}'],
  ['empty', ''],
  ['of another kind', '7'],
] as const) {
  test(`a record that is ${damage} is reported as damaged`, async () => {
    const path = join(directory, 'r.json');
    writeFileSync(path, text);
    await assert.rejects(readRecord(path), { code: 'FILE_DAMAGED', subject: path });
  });
}

test('a lock has one holder, and is free after its release', () => {
  const path = join(directory, 'lock');
  const lock = lockFile(path);
  assert.ok(lock !== undefined);
  assert.equal(lockFile(path), undefined);
  lock.release();
  lock.release();
  const again = lockFile(path);
  assert.ok(again !== undefined);
  again.release();
});

test('a lock ends with its process, and programs that the process starts do not keep it', () => {
  const path = join(directory, 'lock');
  const files = new URL('./files.ts', import.meta.url).href;
  const program = `
    const { lockFile } = await import(${JSON.stringify(files)});
    const { spawn } = await import('node:child_process');
    const lock = lockFile(${JSON.stringify(path)});
    spawn('sleep', ['5'], { detached: true, stdio: 'ignore' }).unref();
    process.stdout.write(lock === undefined ? 'taken' : 'held');
    process.kill(process.pid, 'SIGKILL');`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.deepEqual([run.stdout, run.signal], ['held', 'SIGKILL']);
  const lock = lockFile(path);
  assert.ok(lock !== undefined);
  lock.release();
});

test('a record that is kept is written once, and again if it has changed or is damaged', async () => {
  const path = join(directory, 'kept.json');
  const inode = () => statSync(path).ino;
  await keepRecord(path, 'one');
  const first = inode();
  await keepRecord(path, 'one');
  assert.equal(inode(), first);
  await keepRecord(path, 'two');
  assert.equal(await readRecord(path), 'two');
  writeFileSync(path, '{}');
  await keepRecord(path, 'two');
  assert.equal(await readRecord(path), 'two');
});
