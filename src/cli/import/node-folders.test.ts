// Copies of host-local's folders: nothing of them is left out in silence.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { readNodeFolders } from './node-folders.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-folders-'));
  mkdirSync(join(folder, 'lan'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () => readNodeFolders([`node1=${folder}`]);

test('links to folders and files are followed, as host-local follows them', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'));
  try {
    writeFileSync(join(elsewhere, '10.6.0.5'), 'c1\r\nnet1');
    symlinkSync(elsewhere, join(folder, 'blue'));
    symlinkSync(join(elsewhere, '10.6.0.5'), join(folder, 'lan', '10.6.0.6'));
    const names = read().files.map(({ network, name }) => `${network}/${name}`);
    assert.deepEqual(names.toSorted(), ['blue/10.6.0.5', 'lan/10.6.0.6']);
    assert.deepEqual([...(read().nodesRead.get('node1') ?? [])].toSorted(), ['blue', 'lan']);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test('a link to nothing is an error, and not a network without addresses', () => {
  symlinkSync('/nowhere/at/all', join(folder, 'blue'));
  assert.throws(read, { code: 'INPUT_INVALID', message: /the folder cannot be read/ });
});

test('the folder of one network in the place of the folder of all is an error', () => {
  writeFileSync(join(folder, '10.6.0.5'), 'c1\r\nnet1');
  assert.throws(read, { code: 'INPUT_INVALID', message: /10\.6\.0\.5 is no folder of a network/ });
});

test('what is neither a file nor a folder is an error, and is not opened', async () => {
  const server = createServer().listen(join(folder, 'lan', '10.6.0.5'));
  await once(server, 'listening');
  try {
    assert.throws(read, {
      code: 'INPUT_INVALID',
      message: /lan\/10\.6\.0\.5 is neither a file nor a folder/,
    });
  } finally {
    server.close();
  }
});
