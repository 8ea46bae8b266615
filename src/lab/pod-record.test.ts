import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPodRecords, removePodRecord, writePodRecord } from './pod-record.ts';

const web = { namespace: 'default', name: 'web', node: 'node1', netns: '/run/netns/x', containerId: 'c' };

test('a lab without pods has no records, and a record that disappears during the read is left out', (t) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'orbweaver-records-')), 'pods');
  t.after(() => rmSync(join(folder, '..'), { recursive: true }));
  assert.deepEqual(readPodRecords(folder), []);
  writePodRecord(folder, web);
  symlinkSync('gone', join(folder, 'default_gone.json'));
  assert.deepEqual(readPodRecords(folder), [web]);
  removePodRecord(folder, web);
  assert.deepEqual(readPodRecords(folder), []);
});
