import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLogger } from '#base';
import { begunNic } from '#plan/openstack';
import { KIND, NicCloud, SERVER } from '../testing/index.ts';
import { clearNics } from './clearing.ts';
import { NicLedgerFile } from './nic-ledger-file.ts';

let folder: string;
let cloud: NicCloud;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ow-nics-'));
  cloud = new NicCloud(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const clear = (serverId = SERVER) =>
  clearNics(folder, {
    cloud: () => cloud.client(),
    serverId: async () => serverId,
    clock: cloud.clock,
    log: silentLogger,
  });

test('all NICs of the VM leave with its ledger, also those of pods', async () => {
  const agent = cloud.agent();
  await agent.make(KIND, null);
  await agent.make(KIND, 'a');
  await clear();
  assert.deepEqual([cloud.ports.size, (await cloud.ledger()).nics], [0, []]);
  await clear();
});

test('a request that may be under way is waited for', async () => {
  await new NicLedgerFile(folder, SERVER).update((ledger) => begunNic(ledger, KIND, 'a').ledger);
  await assert.rejects(clear(), { code: 'OPENSTACK_NIC_LATE', message: /orbweaver \w+-1 of server vm/ });
  cloud.clock.ms += 61_000;
  await clear();
  assert.deepEqual((await cloud.ledger()).nics, []);
});

test('the ledger of another VM, whose disk was copied, is left alone', async () => {
  await cloud.agent().make(KIND, null);
  await clear('copy');
  assert.deepEqual([cloud.attached.length, (await cloud.ledger()).nics.length], [1, 1]);
});
