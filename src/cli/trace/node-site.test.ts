import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '#base';
import { FakeKube } from '#kube/testing';
import { Attachments, openStateDirectory } from '#node';
import { nodeSite } from './node-site.ts';

describe('the network namespaces of a node', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ow-site-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('are the node and each pod with a record, and a damaged or disappearing record is left out', async () => {
    const attachments = await Attachments.open(await openStateDirectory(folder), silentLogger);
    for (const interfaceName of ['eth0', 'net1']) {
      await attachments.put({
        version: 1,
        containerId: 'abc',
        interfaceName,
        netns: { path: '/run/netns/abc' },
        network: 'lan',
        pod: { namespace: 'default', name: 'web', uid: 'u' },
        createdAt: '2026-01-01T00:00:00Z',
      });
    }
    writeFileSync(join(folder, 'zzz+eth0.json'), 'damaged');
    symlinkSync('gone', join(folder, 'def+eth0.json'));
    const before = readdirSync(folder).sort();
    const { places, node } = await nodeSite(new FakeKube(), 'node1', folder);
    assert.deepEqual(places, [
      { name: 'node1', kind: 'node', netns: 'current' },
      { name: 'default/web', kind: 'pod', node: 'node1', netns: '/run/netns/abc' },
    ]);
    assert.equal(node, 'node1');
    assert.deepEqual(readdirSync(folder).sort(), before);
  });

  test('are refused where no agent keeps records', async () => {
    await assert.rejects(nodeSite(new FakeKube(), 'node1', join(folder, 'none')), {
      code: 'TRACE_OUT_OF_SIGHT',
      message: /this is not a node of Orbweaver, and no lab runs here/,
    });
  });
});
