import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '#base';
import { formatCidr, parseAddress, parseCidr } from '#ip';
import { type Route, RTPROT } from '#net';
import { FakeNamespace } from '#net/testing';
import { type AttachmentRecord, Attachments, MemoryStateFiles, type RecordedNic } from '#node';
import { PodRepair } from './pod-repair.ts';

test('the old sandbox of a pod does not take the node’s routes from the new sandbox', async () => {
  const attachments = await Attachments.open(new MemoryStateFiles(), silentLogger);
  const record = (containerId: string): AttachmentRecord => ({
    version: 1,
    containerId,
    interfaceName: 'eth0',
    netns: { path: `/run/netns/${containerId}` },
    network: 'net',
    pod: { namespace: 'default', name: 'a', uid: 'uid-a' },
    createdAt: '2030-01-01T00:00:00.000Z',
    coordinator: { state: 'done', netConf: {}, result: {}, plan: {} as RecordedNic },
  });
  await attachments.put(record('old'));
  await attachments.put(record('new'));
  await attachments.supersede('uid-a', 'new');
  const repair = new PodRepair({
    attachments,
    node: new FakeNamespace(),
    openNamespace: async (path) => assert.fail(`looked into ${path}`),
    present: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
    log: silentLogger,
  });
  assert.deepEqual(repair.containers(), ['new']);
  assert.equal(await repair.enter('old'), undefined);
  assert.equal(repair.repair('old', new FakeNamespace()), undefined);
});

/** As agents wrote it that knew no table 98 and 99. */
function plannedByOlderAgent(name: string, address: string, gateway: string, table?: number): RecordedNic {
  const route = {
    destination: '0.0.0.0/0',
    dev: name,
    gateway,
    scope: 'global',
    protocol: RTPROT.boot,
  } as const;
  return {
    mode: 'underlay',
    nic: { name, addresses: [address], routes: [route] },
    ...(table !== undefined && { table }),
    hostLink: 'vethc1',
    hostTable: 500,
    options: {
      ...{
        mode: 'auto',
        podDefaultCniNic: 'eth0',
        podDefaultRouteNic: '',
        podMACPrefix: '',
        vethLinkAddress: '',
      },
      ...{ overlayPodCIDR: [], serviceCIDR: [], hijackCIDR: [], policyRoutes: [] },
      ...{ tunePodRoutes: true, hostRuleTable: 500, podRPFilter: -1, txQueueLen: 0, vethMTU: 1500 },
    },
    nodeAddresses: ['10.6.0.101'],
    plannedAt: '2030-01-01T00:00:00.000Z',
  };
}

test('repair moves a pod of an older agent to another table and records it, when a program uses table 99', async () => {
  const attachments = await Attachments.open(new MemoryStateFiles(), silentLogger);
  const peers = new Map();
  const pod = new FakeNamespace({ peers });
  const node = new FakeNamespace({ peers });
  const nics = [
    plannedByOlderAgent('eth0', '10.6.1.5/16', '10.6.0.1'),
    plannedByOlderAgent('net1', '10.7.1.5/16', '10.7.0.1', 101),
  ];
  for (const plan of nics) {
    const { name } = plan.nic;
    pod.addLink({ name, mac: '02:00:00:00:00:01', up: true, carrier: true });
    const address = { dev: name, address: parseCidr(plan.nic.addresses[0] ?? ''), scope: 'global' } as const;
    pod.change([{ verb: 'create', kind: 'address', address }]);
    await attachments.put({
      version: 1,
      containerId: 'c1',
      interfaceName: name,
      network: 'net',
      createdAt: '2030-01-01T00:00:00.000Z',
      coordinator: { state: 'done', netConf: {}, result: {}, plan },
    });
  }
  const foreign: Route = {
    destination: parseCidr('10.250.0.0/16'),
    table: 99,
    type: 'unicast',
    scope: 'global',
    protocol: RTPROT.boot,
    dev: 'eth0',
    gateway: parseAddress('10.6.0.1'),
  };
  pod.change([{ verb: 'create', kind: 'route', route: foreign }]);
  const repair = new PodRepair({
    attachments,
    node,
    openNamespace: async () => pod,
    present: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
    log: silentLogger,
  });
  const networks = (table: number) => pod.routes({ table }).map(({ destination }) => formatCidr(destination));
  await repair.repair('c1', pod)?.recorded;
  assert.deepEqual(networks(99), ['10.250.0.0/16']);
  assert.deepEqual(networks(98).toSorted(), ['0.0.0.0/0', '10.6.0.101/32']);
  const recorded = attachments.all().map(({ coordinator }) => coordinator?.plan?.numbers?.besideTable);
  assert.deepEqual(recorded, [98, 98]);
  // The fake namespace runs no nftables.
  const again = repair.look('c1', pod)?.differences.filter((problem) => !problem.startsWith('nftables'));
  assert.deepEqual(again, []);
});
