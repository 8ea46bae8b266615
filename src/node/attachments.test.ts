import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, silentLogger } from '#base';
import { type AttachmentRecord, decodeRecord, encodeRecord } from './attachment-record.ts';
import { Attachments } from './attachments.ts';
import { coordinatorPart, ipamPart } from './record-part.ts';
import { MemoryStateFiles } from './state-files.ts';

function record(containerId: string, changes: Partial<AttachmentRecord> = {}): AttachmentRecord {
  return {
    version: 1,
    containerId,
    interfaceName: 'eth0',
    netns: { path: '/run/netns/a', inode: 4026531840 },
    network: 'macvlan',
    pod: { namespace: 'default', name: 'web-0', uid: 'uid-1' },
    createdAt: '2026-01-02T03:04:05.678Z',
    ipam: {
      state: 'done',
      netConf: { cniVersion: '1.0.0', type: 'macvlan', '10': 'a key like a number' },
      result: { ips: [{ address: '10.6.0.5/16' }] },
      addresses: [{ address: '10.6.0.5/16', pool: 'v4', nic: 'eth0' }],
    },
    ...changes,
  };
}

const coordinator: AttachmentRecord['coordinator'] = {
  state: 'intended',
  netConf: { type: 'coordinator' },
  result: undefined,
};

test('a record survives the end of the agent', async () => {
  const files = new MemoryStateFiles();
  const before = await Attachments.open(files, silentLogger);
  await before.put(record('aaaa'));
  const after = await Attachments.open(files, silentLogger);
  assert.deepEqual(after.all(), [record('aaaa')]);
  assert.deepEqual(after.get({ containerId: 'aaaa', interfaceName: 'eth0' })?.ipam?.addresses[0]?.pool, 'v4');
});

test('a container id of any length gives a valid file name, and a short one keeps its own', async () => {
  const files = new MemoryStateFiles();
  const before = await Attachments.open(files, silentLogger);
  const ids = ['a'.repeat(64), 'b'.repeat(200), 'c'.repeat(300), 'd'.repeat(300), 'c'.repeat(100_000)];
  for (const id of ids) await before.put(record(id));
  const names = [...files.files.keys()];
  assert.equal(names[0], `${'a'.repeat(64)}+eth0.json`);
  assert.equal(new Set(names).size, ids.length);
  // NAME_MAX, less what stands before and behind the name while it is written, and the mark of a damaged file.
  for (const name of names) assert.ok(Buffer.byteLength(name) <= 255 - 22, name);
  const after = await Attachments.open(files, silentLogger);
  assert.deepEqual(
    after.all().map(({ containerId }) => containerId),
    ids,
  );
  for (const containerId of ids) await after.removePart({ containerId, interfaceName: 'eth0' }, ipamPart);
  assert.equal(files.files.size, 0);
});

test('a power cut may undo facts of the kernel, but never an address', async () => {
  const files = new MemoryStateFiles();
  const name = { containerId: 'aaaa', interfaceName: 'eth0' };
  const before = await Attachments.open(files, silentLogger);
  await before.put(record('aaaa'));
  await before.putForKernel({
    ...record('aaaa'),
    coordinator: { state: 'intended', netConf: {}, result: {} },
  });
  assert.ok((await Attachments.open(files, silentLogger)).get(name)?.coordinator, 'the agent alone has died');
  files.powerCut();
  assert.deepEqual((await Attachments.open(files, silentLogger)).get(name), record('aaaa'));
});

test('two types share one record: each removes its part, and the last one removes the file', async () => {
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger);
  const name = { containerId: 'aaaa', interfaceName: 'eth0' };
  await attachments.put({ ...record('aaaa'), coordinator });
  await attachments.removePart(name, coordinatorPart);
  assert.ok(attachments.get(name)?.ipam, 'the addresses are still known');
  assert.equal(attachments.get(name)?.coordinator, undefined);
  assert.deepEqual((await Attachments.open(files, silentLogger)).get(name)?.coordinator, undefined);
  await attachments.removePart(name, coordinatorPart);
  await attachments.removePart(name, ipamPart);
  assert.equal(attachments.get(name), undefined);
  assert.equal(files.files.size, 0);
  await attachments.removePart(name, ipamPart);
});

test('a damaged file is set aside and logged, and blocks nothing', async () => {
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger);
  for (const id of ['aaaa', 'bbbb', 'cccc', 'dddd']) await attachments.put(record(id));
  const bytes = (name: string) => files.files.get(name)?.bytes ?? new Uint8Array();
  await files.write('aaaa+eth0.json', bytes('aaaa+eth0.json').slice(0, 40));
  const changed = new TextDecoder().decode(bytes('bbbb+eth0.json')).replace('10.6.0.5', '10.6.0.6');
  await files.write('bbbb+eth0.json', new TextEncoder().encode(changed));
  await files.write('cccc+eth0.json', new Uint8Array());
  await files.write('notes.txt', new Uint8Array());
  const logged: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: ({ file }) => logged.push(file) };
  const after = await Attachments.open(files, logger);
  assert.deepEqual(
    after.all().map(({ containerId }) => containerId),
    ['dddd'],
  );
  assert.deepEqual(logged, ['aaaa+eth0.json.damaged', 'bbbb+eth0.json.damaged', 'cccc+eth0.json.damaged']);
  assert.ok(files.files.has('aaaa+eth0.json.damaged'));
  assert.equal(files.files.has('aaaa+eth0.json'), false);
});

test('a record of a future version is not read as a record of this version', () => {
  const future = { ...record('aaaa'), version: 2 } as unknown as AttachmentRecord;
  assert.throws(
    () => decodeRecord(encodeRecord(future), 'aaaa+eth0.json'),
    /aaaa\+eth0\.json is damaged.*version/s,
  );
});

test('a new sandbox of a pod supersedes all NICs of its old sandbox for good, and no other pod’s', async () => {
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger);
  await attachments.put(record('old'));
  await attachments.put(record('new'));
  await attachments.put(record('old', { interfaceName: 'net1' }));
  await attachments.put(record('pod', { pod: { namespace: 'default', name: 'web-0', uid: 'uid-2' } }));
  const older = await attachments.supersede('uid-1', 'new');
  assert.deepEqual(
    older.map(({ interfaceName }) => interfaceName),
    ['eth0', 'net1'],
  );
  const after = await Attachments.open(files, silentLogger);
  const superseded = after.all().filter((one) => one.supersededBy !== undefined);
  assert.deepEqual(
    superseded.map(({ containerId, supersededBy }) => [containerId, supersededBy]),
    [
      ['old', 'new'],
      ['old', 'new'],
    ],
  );
  assert.deepEqual(await attachments.supersede('uid-1', 'new'), []);
});

test('writes of one record reach the disk in order', async () => {
  const slow = new (class extends MemoryStateFiles {
    #wait = 3;
    override async write(name: string, bytes: Uint8Array): Promise<void> {
      const turns = this.#wait--;
      for (let i = 0; i < turns * 5; i++) await Promise.resolve();
      await super.write(name, bytes);
    }
  })();
  const attachments = await Attachments.open(slow, silentLogger);
  const networks = ['first', 'second', 'third'];
  await Promise.all(networks.map((network) => attachments.put(record('aaaa', { network }))));
  assert.equal((await Attachments.open(slow, silentLogger)).all()[0]?.network, 'third');
});

test('a failed write is reported to its caller and does not stop the next', async () => {
  const files = new MemoryStateFiles();
  files.full = true;
  const attachments = await Attachments.open(files, silentLogger);
  await assert.rejects(attachments.put(record('aaaa')), { code: 'DISK_FULL', said: /ENOSPC/ });
  assert.deepEqual(attachments.all(), [], 'what the caller was refused is not remembered either');
  files.full = false;
  await attachments.put(record('aaaa'));
  files.full = true;
  await assert.rejects(attachments.putForKernel(record('aaaa', { network: 'other' })), { code: 'DISK_FULL' });
  assert.deepEqual(attachments.all(), [record('aaaa')]);
});

test('on a full disk a DEL uses the reserve and then memory, and is written when there is room', async () => {
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger);
  const ids = ['aaaa', 'bbbb', 'cccc'];
  const both = (id: string) => record(id, { coordinator: { state: 'done', netConf: {}, result: {} } });
  for (const id of ids) await attachments.put(both(id));
  files.full = true;
  files.reserve = 1;
  for (const containerId of ids)
    await attachments.removePart({ containerId, interfaceName: 'eth0' }, coordinatorPart);
  const left = (all: AttachmentRecord[]) => all.filter((one) => one.coordinator !== undefined).length;
  assert.equal(left(attachments.all()), 0);
  assert.equal(left((await Attachments.open(files, silentLogger)).all()), 2, 'the disk lags behind');
  await attachments.flush();
  files.full = false;
  await attachments.flush();
  assert.equal(left((await Attachments.open(files, silentLogger)).all()), 0);
  for (const containerId of ids)
    await attachments.removePart({ containerId, interfaceName: 'eth0' }, ipamPart);
  assert.equal(files.files.size, 0);
});

test('a new sandbox supersedes the older one also on a full disk', async () => {
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger);
  await attachments.put(record('old'));
  files.full = true;
  await attachments.supersede('uid-1', 'new');
  assert.equal(attachments.all()[0]?.supersededBy, 'new');
});

test('a copy of an attachment file under another name is set aside, so no record returns after its DEL', async () => {
  const files = new MemoryStateFiles();
  await files.write('aaaa+eth0.json', encodeRecord(record('aaaa')));
  await files.write('copy.json', encodeRecord(record('aaaa')));
  const attachments = await Attachments.open(files, silentLogger);
  await attachments.removePart({ containerId: 'aaaa', interfaceName: 'eth0' }, ipamPart);
  assert.deepEqual([...files.files.keys()], ['copy.json.damaged']);
  assert.deepEqual((await Attachments.open(files, silentLogger)).all(), []);
});

test('a file that the disk cannot read blocks no other file', async () => {
  const files = new MemoryStateFiles();
  for (const id of ['aaaa', 'bbbb']) await files.write(`${id}+eth0.json`, encodeRecord(record(id)));
  const read = files.read.bind(files);
  files.read = async (name) => {
    if (name.startsWith('aaaa')) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    return read(name);
  };
  const attachments = await Attachments.open(files, silentLogger);
  assert.deepEqual(attachments.all(), [record('bbbb')]);
  assert.equal(files.files.size, 2);
});
