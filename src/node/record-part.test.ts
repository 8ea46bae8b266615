import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { type Logger, silentLogger } from '#base';
import { type AttachmentRecord, decodeRecord, encodeRecord } from './attachment-record.ts';
import { Attachments } from './attachments.ts';
import { coordinatorPart, ipamPart, partOf, type RecordPart, withPart } from './record-part.ts';
import { MemoryStateFiles } from './state-files.ts';

/** A file as agents wrote it before types could bring parts of their own. */
const golden = readFileSync(join(import.meta.dirname, '../../test/fixtures/attachment-record.golden'));
const goldenName = '0123456789abcdef+net1.json';
const key = { containerId: '0123456789abcdef', interfaceName: 'net1' };

/** The part of a type that this test invents. */
const leasePart: RecordPart<{ lease: string }> = { name: 'lease', schema: z.object({ lease: z.string() }) };

/** Attachments on the disk with one record, which also has this content of the part `lease`. */
async function filesWith(lease: unknown): Promise<MemoryStateFiles> {
  const files = new MemoryStateFiles();
  const record: AttachmentRecord = { ...decodeRecord(golden, goldenName), parts: { lease } };
  await files.write(goldenName, encodeRecord(record));
  return files;
}

test('a file of an older agent is read, and written again byte for byte', () => {
  const record = decodeRecord(golden, goldenName);
  assert.equal(record.ipam?.addresses[0]?.pool, 'v4');
  assert.equal(record.coordinator?.plan?.hostLink, 'veth0123456789a');
  assert.equal(new TextDecoder().decode(encodeRecord(record)), golden.toString());
});

test('a type reads from the disk what it wrote, and its DEL removes its part only', async () => {
  const files = new MemoryStateFiles();
  const attachments = await Attachments.open(files, silentLogger, [leasePart]);
  const record = decodeRecord(golden, goldenName);
  await attachments.put(withPart(record, leasePart, { lease: 'a' }));
  const after = await Attachments.open(files, silentLogger, [leasePart]);
  const read = after.get(key);
  assert.ok(read);
  assert.deepEqual(partOf(read, leasePart), { lease: 'a' });
  await after.removePart(key, leasePart);
  assert.deepEqual(after.get(key), record);
  await after.put(withPart(record, leasePart, { lease: 'b' }));
  for (const part of [ipamPart, coordinatorPart]) await after.removePart(key, part);
  assert.ok(files.files.has(goldenName), 'the lease is still held');
  await after.removePart(key, leasePart);
  assert.equal(files.files.size, 0);
});

test('the part of a type that only a newer version serves stays on the disk through every verb of the others', async () => {
  const files = await filesWith({ lease: 'a', since: 5 });
  const attachments = await Attachments.open(files, silentLogger);
  const record = attachments.get(key);
  assert.ok(record);
  await attachments.put(withPart(record, coordinatorPart, { state: 'intended', netConf: {}, result: {} }));
  for (const part of [coordinatorPart, ipamPart]) await attachments.removePart(key, part);
  const newer = await Attachments.open(files, silentLogger);
  assert.deepEqual(newer.get(key)?.parts, { lease: { lease: 'a', since: 5 } });
});

test('a part that does not match the schema of its type damages its record only', async () => {
  const files = await filesWith({ lease: 5 });
  const logged: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: ({ file }) => logged.push(file) };
  const attachments = await Attachments.open(files, logger, [leasePart]);
  assert.deepEqual(attachments.all(), []);
  assert.deepEqual(logged, [`${goldenName}.damaged`]);
});
