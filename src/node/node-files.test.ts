// The files that the agent installs on its node, in real folders.

import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { NodeFiles } from './node-files.ts';

const version = (n: number) => `#!/bin/sh\n# Orbweaver CNI plugin ${n}\n`;
const conf = (mtu: number) => JSON.stringify({ name: 'lan', plugins: [{ type: 'macvlan', mtu }] });

let folder: string;
let bin: string;
let net: string;
const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const source = () => join(folder, 'ow-cni');
const given = () => join(folder, 'given', '10-lan.conflist');

function nodeFiles(): NodeFiles {
  return new NodeFiles({
    executables: { from: source(), folder: bin, names: ['spiderpool', 'coordinator'] },
    conf: { from: given(), folder: net },
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ow-files-'));
  bin = join(folder, 'bin');
  net = join(folder, 'net.d');
  for (const path of [bin, net, join(folder, 'given')]) mkdirSync(path);
  writeFileSync(source(), version(1));
  writeFileSync(given(), conf(1500));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the executable gets every name and mode 0755 under any umask, and a second look writes nothing', async () => {
  const umask = process.umask(0o077);
  try {
    const files = nodeFiles();
    const put = await files.putExecutables();
    assert.deepEqual(
      put.map(({ path, was }) => [path, was]),
      ['ow-cni', 'spiderpool', 'coordinator'].map((name) => [join(bin, name), 'absent']),
    );
    assert.deepEqual(readdirSync(bin).sort(), ['coordinator', 'ow-cni', 'spiderpool']);
    for (const name of readdirSync(bin)) {
      assert.equal(statSync(join(bin, name)).mode & 0o777, 0o755, name);
      assert.equal(read('bin', name), version(1));
    }
    assert.deepEqual(await files.putExecutables(), []);
    assert.deepEqual(await nodeFiles().putExecutables(), []);
  } finally {
    process.umask(umask);
  }
});

test('what vanishes, changes or loses its mode is put back, and an older version is replaced', async () => {
  const files = nodeFiles();
  await files.putExecutables();
  rmSync(join(bin, 'spiderpool'));
  writeFileSync(join(bin, 'coordinator'), version(7));
  chmodSync(join(bin, 'ow-cni'), 0o644);
  const put = await files.putExecutables();
  assert.deepEqual(
    put.map(({ was }) => was),
    ['ours', 'absent', 'ours'],
  );
  assert.equal(read('bin', 'coordinator'), version(1));
  writeFileSync(source(), version(2));
  await files.putExecutables();
  assert.equal(read('bin', 'spiderpool'), version(2));
  assert.deepEqual(readdirSync(bin).sort(), ['coordinator', 'ow-cni', 'spiderpool']);
});

test('an executable of others is set aside as it was, and everything else in the folder is left alone', async () => {
  writeFileSync(join(bin, 'macvlan'), 'theirs');
  writeFileSync(join(bin, 'coordinator'), 'theirs');
  symlinkSync('../ow-cni', join(bin, 'spiderpool'));
  await nodeFiles().putExecutables();
  assert.equal(read('bin', '.coordinator.before-orbweaver'), 'theirs');
  assert.equal(readlinkSync(join(bin, '.spiderpool.before-orbweaver')), '../ow-cni');
  assert.equal(read('bin', 'macvlan'), 'theirs');
  for (const name of ['coordinator', 'spiderpool']) assert.equal(read('bin', name), version(1));
});

test('temporary files of an agent that died are removed, and those of others stay', async () => {
  const old = new Date(Date.now() - 3_600_000);
  for (const name of ['.coordinator.0123456789ab', '.macvlan.0123456789ab', '.spiderpool.fedcba987654']) {
    writeFileSync(join(bin, name), 'half');
    if (!name.includes('spiderpool')) utimesSync(join(bin, name), old, old);
  }
  await nodeFiles().putExecutables();
  const hidden = readdirSync(bin).filter((name) => name.startsWith('.'));
  // Another agent may be writing the young one.
  assert.deepEqual(hidden.sort(), ['.macvlan.0123456789ab', '.spiderpool.fedcba987654']);
});

test('the configuration is put with a mark and mode 0600, and follows the given file', async () => {
  const files = nodeFiles();
  writeFileSync(join(net, '05-theirs.conflist'), conf(9000));
  assert.equal((await files.putConf()).length, 1);
  assert.equal(statSync(join(net, '10-lan.conflist')).mode & 0o777, 0o600);
  assert.match(read('net.d', '10-lan.conflist'), /"orbweaver\.io\/written-by": "agent"/);
  assert.deepEqual(await files.putConf(), []);
  writeFileSync(given(), conf(1400));
  assert.deepEqual(
    (await files.putConf()).map(({ was }) => was),
    ['ours'],
  );
  assert.match(read('net.d', '10-lan.conflist'), /1400/);
  assert.equal(read('net.d', '05-theirs.conflist'), conf(9000));
});

test('a configuration of others with our file name stays, and the error names it', async () => {
  writeFileSync(join(net, '10-lan.conflist'), conf(9000));
  await assert.rejects(nodeFiles().putConf(), {
    code: 'CNI_CONF_FOREIGN',
    subject: join(net, '10-lan.conflist'),
  });
  assert.equal(read('net.d', '10-lan.conflist'), conf(9000));
});

test('removal takes away every file of ours and nothing of others, and can be repeated', async () => {
  const files = nodeFiles();
  await files.putExecutables();
  await files.putConf();
  writeFileSync(join(bin, 'macvlan'), 'theirs');
  writeFileSync(join(net, '05-theirs.conflist'), conf(9000));
  const removed = await files.remove();
  assert.deepEqual(
    removed.map(({ path, isBack }) => [path, isBack]),
    [
      join(net, '10-lan.conflist'),
      ...['spiderpool', 'coordinator', 'ow-cni'].map((name) => join(bin, name)),
    ].map((path) => [path, false]),
  );
  assert.deepEqual([readdirSync(bin), readdirSync(net)], [['macvlan'], ['05-theirs.conflist']]);
  assert.deepEqual(await files.remove(), []);
});

test('removal brings files of others back, also after it was killed in the middle', async () => {
  writeFileSync(join(bin, 'coordinator'), 'theirs');
  symlinkSync('../ow-cni', join(bin, 'spiderpool'));
  await nodeFiles().putExecutables();
  rmSync(join(bin, 'coordinator'));
  const removed = await nodeFiles().remove();
  assert.deepEqual(
    removed.map(({ isBack }) => isBack),
    [true, true, false],
  );
  assert.deepEqual(readdirSync(bin).sort(), ['coordinator', 'spiderpool']);
  assert.deepEqual(
    [read('bin', 'coordinator'), readlinkSync(join(bin, 'spiderpool'))],
    ['theirs', '../ow-cni'],
  );
});

test('removal leaves a file alone that another program has put in our place since', async () => {
  const files = nodeFiles();
  await files.putExecutables();
  await files.putConf();
  writeFileSync(join(bin, 'coordinator'), 'newer');
  writeFileSync(join(net, '10-lan.conflist'), conf(9000));
  await files.remove();
  assert.deepEqual([readdirSync(bin), read('net.d', '10-lan.conflist')], [['coordinator'], conf(9000)]);
});

test('a folder that is missing is an error with its path and the words of the system', async () => {
  rmSync(bin, { recursive: true });
  await assert.rejects(nodeFiles().putExecutables(), (error: Error) => {
    assert.match(error.message, new RegExp(`${bin}: ENOENT`));
    return true;
  });
});
