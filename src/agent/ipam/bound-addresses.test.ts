// Addresses that the provider of an IaaS binds, from the ADD to the DEL.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { resources } from '#api';
import { isOrbError, OrbError } from '#base';
import { answerJson, FakeProvider, macOf, noProvider } from '#iaas/testing';
import { parseAddress } from '#ip';
import type { FakeKube } from '#kube/testing';
import {
  add,
  agent,
  cluster,
  createPool,
  del,
  pod,
  records,
  stopAgents,
  texts,
} from './allocator-fixture.ts';

const PARENT_MAC = 'fa:16:3e:11:22:33';

let provider: FakeProvider;
beforeEach(async () => {
  provider = new FakeProvider();
  await provider.start();
});
afterEach(async () => {
  await stopAgents();
  provider.close();
});

/** An agent whose node has eth1. */
function agentOf(kube: FakeKube, options: object = {}) {
  const parentMac = (name: string) => (name === 'eth1' ? PARENT_MAC : undefined);
  return agent(kube, { iaas: provider.client(), parentMac, addressRestMs: 0, ...options });
}

/** The ADD of a NIC on a network of the provider. */
function addBound(name: string, more: Parameters<typeof add>[1] = {}) {
  const conf = { name: 'net', type: 'vlan', master: 'eth1', vlanMode: 'auto' };
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'] };
  return add(name, { conf: { ...conf, ipam }, ...more });
}

const one = () => cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
const code = (expected: string) => (error: unknown) => isOrbError(error) && error.code === expected;

test('an ADD asks the provider for the address of the pool, and DEL the provider before the pool', async () => {
  const kube = await one();
  const made = await pod(kube, 'web');
  const podUID = made.metadata.uid ?? '';
  const allocator = await agentOf(kube);
  const { link } = await allocator.allocate(addBound('web'));
  assert.deepEqual(link, { mac: macOf('10.6.1.1'), vlan: 100 });
  const [asked] = provider.requests;
  const about = { podName: 'web', podNamespace: 'default', podUID, nodeName: 'node1' };
  const address = { ipAddress: '10.6.1.1', subnet: '10.6.0.0/16', parentNicMac: PARENT_MAC };
  assert.deepEqual(asked?.body, { ...about, iaasIPsAllocationRequest: [address] });
  await allocator.settled();
  const endpoint = await kube.get(resources.spiderEndpoints, { namespace: 'default', name: 'web' });
  const [shown] = endpoint.status?.current.ips ?? [];
  assert.deepEqual([shown?.mac, shown?.vlan], [macOf('10.6.1.1'), 100]);

  let heldAtRelease: string[] = [];
  provider.before = async () => {
    heldAtRelease = Object.keys(await records(kube));
  };
  await allocator.release(del('web', podUID));
  assert.deepEqual(provider.requests[1]?.body, { ...about, ...address });
  assert.deepEqual(heldAtRelease, ['10.6.1.1'], 'the pool still holds it');
  assert.deepEqual([Object.keys(await records(kube)), provider.bound.size], [[], 0]);
});

const ofProvider = { vlanMode: 'auto', master: 'eth1', type: 'vlan' };
const networks: [string, object, object][] = [
  ['macvlan', { type: 'macvlan', master: 'eth1' }, {}],
  ['a VLAN of the user', { ...ofProvider, vlanMode: 'manual', vlanId: 5 }, {}],
  ['IPv6 alone', ofProvider, { default_ipv4_ippool: [], default_ipv6_ippool: ['v6'] }],
];
for (const [what, network, pools] of networks) {
  test(`the provider is not asked about a NIC that it has nothing to do with: ${what}`, async () => {
    const kube = await one();
    await createPool(kube, 'v6', { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] });
    const { metadata } = await pod(kube, 'web');
    const allocator = await agentOf(kube);
    const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], ...pools };
    const given = await allocator.allocate(
      add('web', { conf: { name: 'net', type: 'x', ...network, ipam } }),
    );
    assert.equal(given.link, undefined);
    await allocator.release(del('web', metadata.uid ?? ''));
    assert.deepEqual(provider.asked, []);
  });
}

test('without a provider, a network with VLANs of a provider gets its addresses as every other', async () => {
  const kube = await one();
  await pod(kube, 'web');
  const allocator = await agentOf(kube, { iaas: noProvider });
  assert.equal((await allocator.allocate(addBound('web'))).link, undefined);
  assert.equal((await records(kube))['10.6.1.1']?.nic, 'eth0');
});

test('addresses that a provider has made ready for a pool are bound already', async () => {
  const kube = await one();
  const metadata = { annotations: { 'ipam.spidernet.io/iaas-provider': 'somecloud' } };
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, { type: 'merge', body: { metadata } });
  const ready = { ipMetaData: { metadata: JSON.stringify({ '10.6.1.5': { vlan: 7 } }) } };
  const patch = { type: 'merge', body: { status: ready }, subresource: 'status' } as const;
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, patch);
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  assert.deepEqual((await allocator.allocate(addBound('web'))).link, { vlan: 7 });
  assert.deepEqual(provider.asked, []);
});

test('of two families, the provider is asked about IPv4', async () => {
  const kube = await one();
  await createPool(kube, 'v6', { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] });
  const { metadata } = await pod(kube, 'web');
  const allocator = await agentOf(kube);
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
  const conf = { name: 'net', ...ofProvider, ipam };
  const given = await allocator.allocate(addBound('web', { conf }));
  assert.deepEqual(texts(given), ['eth0 10.6.1.1/16', 'eth0 fd00::1/64']);
  await allocator.release(del('web', metadata.uid ?? ''));
  assert.deepEqual(provider.asked, ['allocate-ips 10.6.1.1', 'release-ip 10.6.1.1']);
  assert.deepEqual(await records(kube, 'v6'), {});
});

for (const [what, v6] of [
  ['VLAN', { vlan: 7 }],
  ['MAC address', { mac: 'fa:16:3e:00:00:07' }],
] as const) {
  test(`an IPv6 address that was made ready for another ${what} than the provider binds is refused, and nothing stays bound`, async () => {
    const kube = await one();
    await createPool(kube, 'v6', { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] });
    const metadata = { annotations: { 'ipam.spidernet.io/iaas-provider': 'somecloud' } };
    await kube.patch(resources.spiderIPPools, { name: 'v6' }, { type: 'merge', body: { metadata } });
    const status = { ipMetaData: { metadata: JSON.stringify({ 'fd00::1': v6 }) } };
    const patch = { type: 'merge', body: { status }, subresource: 'status' } as const;
    await kube.patch(resources.spiderIPPools, { name: 'v6' }, patch);
    await pod(kube, 'web');
    const allocator = await agentOf(kube);
    const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
    const asks = addBound('web', { conf: { name: 'net', ...ofProvider, ipam } });
    await assert.rejects(allocator.allocate(asks), (error: unknown) => {
      assert.ok(isOrbError(error, 'IPPOOL_STATUS_INVALID'), String(error));
      assert.match(error.message, /IPPool v6 demands .* for fd00::1, and another address of the interface/);
      return true;
    });
    assert.deepEqual([provider.bound.size, await records(kube), await records(kube, 'v6')], [0, {}, {}]);
  });
}

test('a repeated ADD asks again, gets the same, and writes no pool', async () => {
  const kube = await one();
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  const first = await allocator.allocate(addBound('web'));
  const writes = kube.count('updateStatus', 'spiderippools');
  assert.deepEqual(await allocator.allocate(addBound('web', { containerId: 'another' })), first);
  assert.equal(kube.count('updateStatus', 'spiderippools'), writes);
  assert.deepEqual(provider.asked, ['allocate-ips 10.6.1.1', 'allocate-ips 10.6.1.1']);
});

test('a pod that got its address before there was a provider is bound by its next ADD', async () => {
  const kube = await one();
  const { metadata } = await pod(kube, 'web');
  const before = await agentOf(kube, { iaas: noProvider });
  await before.allocate(addBound('web'));
  const allocator = await agentOf(kube);
  const { link } = await allocator.allocate(addBound('web'));
  assert.equal(link?.mac, macOf('10.6.1.1'));
  await allocator.release(del('web', metadata.uid ?? ''));
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
});

test('what the provider refuses, the pool gets back, and the provider is not told', async () => {
  const kube = await one();
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  provider.fault = (_, response) => {
    answerJson(response, { error: 'quota of sub-ENIs reached' }, 409);
    return true;
  };
  await assert.rejects(allocator.allocate(addBound('web')), (error: unknown) => {
    assert.ok(isOrbError(error, 'IAAS_REFUSED'));
    assert.match(
      error.message,
      /answered 409 to allocate-ips: cannot bind address 10.6.1.1 to node node1: .*quota/,
    );
    return true;
  });
  assert.deepEqual([provider.asked, await records(kube)], [['allocate-ips 10.6.1.1'], {}]);
});

test('where the answer is lost, the provider lets go first, then the pool', async () => {
  const kube = await one();
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  provider.fault = ({ verb, body }, response) => {
    if (verb !== 'allocate-ips') return false;
    provider.bound.set('10.6.1.1', { node: body.nodeName, parentNicMac: '', podUid: '', vlan: 1 });
    response.socket?.destroy();
    return true;
  };
  await assert.rejects(allocator.allocate(addBound('web')), code('IAAS_UNREACHABLE'));
  assert.deepEqual(provider.asked, ['allocate-ips 10.6.1.1', 'release-ip 10.6.1.1']);
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
});

test('the refusal of a request that was sent again does not say that nothing is bound', async () => {
  const kube = await one();
  await pod(kube, 'first');
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  // Its connection stays open, and the provider may close it at any time.
  await allocator.allocate(addBound('first'));
  let binds = 0;
  provider.fault = ({ verb, body }, response) => {
    if (verb !== 'allocate-ips') return false;
    if (binds++ > 0) answerJson(response, { error: 'busy' }, 409);
    else {
      provider.bound.set('10.6.1.2', { node: body.nodeName, parentNicMac: '', podUid: '', vlan: 1 });
      response.socket?.destroy();
    }
    return true;
  };
  await assert.rejects(allocator.allocate(addBound('web')), /answered 409 to allocate-ips/);
  assert.equal(binds, 2);
  assert.deepEqual([...provider.bound.keys()], ['10.6.1.1']);
  assert.deepEqual(Object.keys(await records(kube)), ['10.6.1.1']);
});

test('a pod that requests another MAC address than the provider gives gets nothing, and nothing stays bound', async () => {
  const kube = await one();
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  const asks = addBound('web', { requestedMacs: { mac: '02:00:00:00:00:05' } });
  await assert.rejects(allocator.allocate(asks), code('ADDRESS_REQUEST_UNSERVED'));
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
});

test('if another address of the pod cannot be had, the provider hears nothing of the one that was never asked for', async () => {
  const kube = await one();
  await createPool(kube, 'v6', { subnet: 'fd00::/64', ips: ['fd00::1-fd00::9'] });
  await pod(kube, 'web');
  const allocator = await agentOf(kube);
  kube.before = ({ verb, name }) => {
    if (verb === 'updateStatus' && name === 'v6') throw new OrbError('KUBE_FORBIDDEN', { message: 'no' });
  };
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
  const conf = { name: 'net', ...ofProvider, ipam };
  await assert.rejects(allocator.allocate(addBound('web', { conf })), code('KUBE_FORBIDDEN'));
  assert.deepEqual([provider.asked, await records(kube)], [[], {}]);
});

test('a NIC whose parent is not on the node gets nothing', async () => {
  const kube = await one();
  await pod(kube, 'web');
  const allocator = await agentOf(kube, { parentMac: () => undefined });
  await assert.rejects(allocator.allocate(addBound('web')), (error: unknown) => {
    assert.ok(isOrbError(error, 'PARENT_LINK_UNUSABLE'));
    assert.match(error.message, /interface eth1, on which eth0 is made, does not exist on node node1/);
    return true;
  });
  const nameless = {
    conf: { name: 'net', ...ofProvider, master: 5, ipam: { ...(add('x').conf.ipam as object) } },
  };
  await assert.rejects(allocator.allocate(addBound('web', nameless)), /master 5: must be the name/);
  assert.deepEqual([provider.asked, await records(kube)], [[], {}]);
});

test('while the provider is away, the address stays in the pool, and other pods are served', async () => {
  const kube = await one();
  const { metadata } = await pod(kube, 'web');
  await pod(kube, 'plain');
  const allocator = await agentOf(kube);
  await allocator.allocate(addBound('web'));
  provider.fault = (_, response) => {
    response.socket?.destroy();
    return true;
  };
  const gone = del('web', metadata.uid ?? '');
  await assert.rejects(allocator.release(gone), code('IAAS_UNREACHABLE'));
  assert.deepEqual(Object.keys(await records(kube)), ['10.6.1.1']);
  assert.deepEqual(texts(await allocator.allocate(add('plain'))), ['eth0 10.6.1.2/16']);
  provider.fault = () => false;
  await allocator.release(gone);
  assert.deepEqual([provider.bound.size, Object.keys(await records(kube))], [0, ['10.6.1.2']]);
});

test('an agent that dies while the provider binds leaves a record by which the next one asks again, and lets go', async () => {
  const kube = await one();
  const { metadata } = await pod(kube, 'web');
  const dead = await agentOf(kube);
  const bound = Promise.withResolvers<void>();
  provider.fault = ({ verb, body }) => {
    if (verb !== 'allocate-ips') return true;
    provider.bound.set('10.6.1.1', { node: body.nodeName, parentNicMac: PARENT_MAC, podUid: '', vlan: 7 });
    bound.resolve();
    return true;
  };
  // It never hears of the answer, and undoes nothing.
  const lost = dead.allocate(addBound('web'));
  lost.catch(() => {});
  await bound.promise;
  assert.deepEqual((await records(kube))['10.6.1.1'], {
    ...{ pod: 'default/web', podUid: metadata.uid, nic: 'eth0' },
    iaas: { node: 'node1', parentNicMac: PARENT_MAC },
  });
  provider.fault = () => false;
  const next = await agentOf(kube);
  const again = await next.allocate(addBound('web'));
  assert.deepEqual([texts(again), again.link?.vlan], [['eth0 10.6.1.1/16'], 7]);
  // An agent that has just started, and the record of the attachment was never written.
  const third = await agentOf(kube);
  await third.release({ ...del('web', metadata.uid ?? ''), held: [] });
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
});

test('an address that another machine uses is let go by the provider, then quarantined', async () => {
  const kube = await one();
  const { metadata } = await pod(kube, 'web');
  const allocator = await agentOf(kube);
  await allocator.allocate(addBound('web'));
  const addresses = [{ address: parseAddress('10.6.1.1'), heldIn: 'v4' }];
  const signal = AbortSignal.timeout(20_000);
  await allocator.quarantine({ podUid: metadata.uid ?? '', nic: 'eth0', addresses, signal });
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
  assert.deepEqual(texts(await allocator.allocate(addBound('web'))), ['eth0 10.6.1.2/16']);
  assert.deepEqual(provider.asked.slice(1), ['release-ip 10.6.1.1', 'allocate-ips 10.6.1.2']);
});

test('the fixed address of a StatefulSet’s pod stays bound, and its next pod has it bound to another node', async () => {
  const kube = await one();
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true };
  const set = {
    metadata: { name: 'db', namespace: 'default' },
    spec: { replicas: 1, selector: {}, template: {} },
  };
  await kube.create(resources.statefulSets, resources.statefulSets.schema.parse(set));
  const create = (nodeName: string) => {
    const metadata = { name: 'db-0', namespace: 'default', ownerReferences: [owner] };
    return kube.create(resources.pods, { metadata, spec: { nodeName, containers: [] } });
  };
  const first = await create('node1');
  const allocator = await agentOf(kube);
  await allocator.allocate(addBound('db-0'));
  await allocator.release(del('db-0', first.metadata.uid ?? ''));
  assert.deepEqual([...provider.bound.keys()], ['10.6.1.1']);
  await kube.delete(resources.pods, { namespace: 'default', name: 'db-0' });
  await create('node2');
  const other = await agentOf(kube, { nodeName: 'node2' });
  const moved = await other.allocate(addBound('db-0'));
  assert.deepEqual(texts(moved), ['eth0 10.6.1.1/16']);
  assert.equal(provider.bound.get('10.6.1.1')?.node, 'node2');
  assert.equal((await records(kube))['10.6.1.1']?.iaas?.node, 'node2');
});

test('two NICs of a pod are bound and let go one by one, and its SpiderEndpoint shows both', async () => {
  const kube = await one();
  const both = JSON.stringify([
    { interface: 'eth0', ipv4: ['v4'] },
    { interface: 'net1', ipv4: ['v4'] },
  ]);
  const { metadata } = await pod(kube, 'web', { 'ipam.spidernet.io/ippools': both });
  const uid = metadata.uid ?? '';
  const allocator = await agentOf(kube);
  await allocator.allocate(addBound('web'));
  await allocator.allocate(addBound('web', { interfaceName: 'net1' }));
  await allocator.settled();
  const endpoint = await kube.get(resources.spiderEndpoints, { namespace: 'default', name: 'web' });
  const shown = endpoint.status?.current.ips.map(({ interface: nic, mac, vlan }) => [nic, mac, vlan]);
  assert.deepEqual(shown?.toSorted(), [
    ['eth0', macOf('10.6.1.1'), 100],
    ['net1', macOf('10.6.1.2'), 101],
  ]);
  await allocator.release(del('web', uid, 'eth0'));
  assert.deepEqual(
    [[...provider.bound.keys()], Object.keys(await records(kube))],
    [['10.6.1.2'], ['10.6.1.2']],
  );
  await allocator.release(del('web', uid));
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
});

/** As many at once as the agent serves. */
async function sixteenAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const left = [...items];
  const results: R[] = [];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) results.push(await work(item));
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return results;
}

test('100 pods at once: each is bound once, over few connections, and each is let go', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.120'] } });
  const allocator = await agentOf(kube);
  const made = await Promise.all(Array.from({ length: 100 }, (_, index) => pod(kube, `pod-${index}`)));
  const given = await sixteenAtOnce(made, ({ metadata }) =>
    allocator.allocate(addBound(metadata.name ?? '')),
  );
  assert.equal(new Set(given.map(({ link }) => link?.mac)).size, 100);
  assert.deepEqual([provider.bound.size, provider.requests.length], [100, 100]);
  await sixteenAtOnce(made, ({ metadata }) =>
    allocator.release(del(metadata.name ?? '', metadata.uid ?? '')),
  );
  assert.deepEqual([provider.bound.size, await records(kube)], [0, {}]);
  assert.equal(provider.requests.length, 200);
  assert.ok(provider.connections <= 16, String(provider.connections));
});
