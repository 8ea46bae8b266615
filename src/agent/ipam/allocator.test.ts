import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { resources } from '#api';
import { isOrbError, OrbError } from '#base';
import { FakeClock } from '#base/testing';
import type { AllocationRequest } from '#cni';
import { formatAddress, formatCidr, parseCidr } from '#ip';
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
  unstarted,
} from './allocator-fixture.ts';

afterEach(stopAgents);

const pair = (ips: string) =>
  JSON.stringify([
    { interface: 'eth0', ipv4: [ips] },
    { interface: 'net1', ipv4: [ips] },
  ]);

test('500 pods, 16 at a time, get the 500 addresses of a pool with few writes', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.2.244'] } });
  const allocator = await agent(kube);
  const names = Array.from({ length: 500 }, (_, index) => `pod-${index}`);
  for (const name of names) await pod(kube, name);
  const given: string[] = [];
  const worker = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop())
      given.push(...texts(await allocator.allocate(add(name))));
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  assert.equal(new Set(given).size, 500);
  assert.equal(Object.keys(await records(kube)).length, 500);
  const writes = kube.count('updateStatus', 'spiderippools');
  assert.ok(writes <= 100, `${writes} writes`);
});

test('two agents on one pool never allocate an address twice', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.60'] } });
  const agents = [await agent(kube), await agent(kube)];
  const all = Array.from({ length: 60 }, async (_, index) => {
    await pod(kube, `pod-${index}`);
    return agents[index % 2]?.allocate(add(`pod-${index}`));
  });
  const given = (await Promise.all(all)).flatMap((allocation) =>
    allocation === undefined ? [] : texts(allocation),
  );
  assert.equal(new Set(given).size, 60);
  assert.equal(Object.keys(await records(kube)).length, 60);
});

test('the addresses of a StatefulSet’s pod are fixed, those of other pods may be exchanged', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.0.1-10.6.0.9'] } });
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true },
  ];
  const metadata = { name: 'db-0', namespace: 'default', ownerReferences };
  await kube.create(resources.pods, { metadata, spec: { nodeName: 'node1', containers: [] } });
  await pod(kube, 'a');
  const allocator = await agent(kube);
  assert.equal((await allocator.allocate(add('db-0'))).fixed, true);
  assert.equal((await allocator.allocate(add('a'))).fixed, undefined);
});

test('a repeated ADD gets the same address again without a write', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'], gateway: '10.6.0.1' } });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  const first = await allocator.allocate(add('web'));
  const writes = kube.count('updateStatus', 'spiderippools');
  assert.deepEqual(await allocator.allocate(add('web', { containerId: 'another' })), first);
  assert.equal(kube.count('updateStatus', 'spiderippools'), writes);
  assert.deepEqual(
    first.routes.map(({ destination }) => formatCidr(destination)),
    ['0.0.0.0/0'],
  );
});

test('a repeated ADD gets its address from a pool that was disabled since, and a new pod gets none', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  await pod(kube, 'late');
  const first = await allocator.allocate(add('web'));
  const disabled = { type: 'merge', body: { spec: { disable: true } } } as const;
  await kube.patch(resources.spiderIPPools, { name: 'v4' }, disabled);
  await assert.rejects(allocator.allocate(add('late')), /disabled IPPool v4/);
  assert.deepEqual(await allocator.allocate(add('web')), first);
});

test('an ADD after an agent was killed before it wrote the endpoint writes the endpoint and returns the same address', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const killed = await agent(kube);
  kube.before = ({ verb, plural }) => {
    if (verb === 'create' && plural === 'spiderendpoints')
      throw new OrbError('KUBE_UNREACHABLE', { message: 'killed' });
  };
  const made = await pod(kube, 'web');
  const first = await killed.allocate(add('web'));
  await killed.settled();
  kube.before = () => {};
  const next = await agent(kube);
  await next.settled();
  const endpoint = await kube.get(resources.spiderEndpoints, { namespace: 'default', name: 'web' });
  assert.equal(endpoint.status?.current.ips[0]?.ipv4, '10.6.1.1/16');
  assert.equal(endpoint.metadata.ownerReferences?.[0]?.uid, made.metadata.uid);
  assert.deepEqual(texts(await next.allocate(add('web'))), texts(first));
});

test('an unreadable endpoint blocks neither the agent nor the endpoints of other pods', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const killed = await agent(kube);
  kube.before = ({ verb, plural }) => {
    if (verb === 'create' && plural === 'spiderendpoints')
      throw new OrbError('KUBE_UNREACHABLE', { message: 'killed' });
  };
  for (const name of ['broken', 'web']) {
    await pod(kube, name);
    await killed.allocate(add(name));
  }
  await killed.settled();
  kube.before = ({ plural, name }) => {
    if (plural === 'spiderendpoints' && name === 'broken') throw new TypeError('status.current is undefined');
  };
  const next = await agent(kube);
  await next.settled();
  const endpoint = await kube.get(resources.spiderEndpoints, { namespace: 'default', name: 'web' });
  assert.equal(endpoint.status?.current.ips.length, 1);
});

test('endpoints that an earlier agent left are checked when no request runs, so that new pods do not wait', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const killed = await agent(kube);
  for (const name of ['a', 'b']) {
    await pod(kube, name);
    await killed.allocate(add(name));
  }
  await killed.settled();
  const clock = new FakeClock();
  const requests = { running: 1 };
  const read = () => kube.count('get', 'spiderendpoints');
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const before = read();
  const next = await agent(kube, { clock, requests });
  await turns();
  await clock.advance(100);
  await turns();
  assert.equal(read(), before);
  await clock.advance(100);
  await turns();
  assert.equal(read(), before + 1, 'each waits for 200 ms at most');
  requests.running = 0;
  await clock.advance(10);
  await next.settled();
  assert.equal(read(), before + 2);
});

test('the first ADD allocates for all NICs of a pod, two on one pool get two addresses, and a later ADD reads its own', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const allocator = await agent(kube);
  await pod(kube, 'web', { 'ipam.spidernet.io/ippools': pair('v4') });
  assert.deepEqual(texts(await allocator.allocate(add('web'))), ['eth0 10.6.1.1/16', 'net1 10.6.1.2/16']);
  assert.equal(kube.count('updateStatus', 'spiderippools'), 1);
  assert.deepEqual(texts(await allocator.allocate(add('web', { interfaceName: 'net1' }))), [
    'net1 10.6.1.2/16',
    'eth0 10.6.1.1/16',
  ]);
  assert.equal(kube.count('updateStatus', 'spiderippools'), 1);
});

test('the address from one pool is released when another pool of the pod fails', async () => {
  const kube = await cluster({
    v4: { ips: ['10.6.1.1-10.6.1.9'] },
    v6: { subnet: 'fd00::/64', ips: ['fd00::1'] },
  });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  kube.before = ({ verb, name }) => {
    if (verb === 'updateStatus' && name === 'v6')
      throw new OrbError('KUBE_UNREACHABLE', { message: 'etcd is away' });
  };
  await assert.rejects(allocator.allocate(add('web', { ipam: { default_ipv6_ippool: ['v6'] } })), {
    code: 'KUBE_UNREACHABLE',
  });
  assert.deepEqual(await records(kube), {});
});

test("a full pool is skipped for the next one in the user's order, and the error names every full pool", async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] }, more: { ips: ['10.6.2.1'] } });
  const allocator = await agent(kube);
  const pools = { ipam: { default_ipv4_ippool: ['v4', 'more'] } };
  for (const name of ['a', 'b', 'c']) await pod(kube, name);
  const given = await Promise.all(['a', 'b'].map((name) => allocator.allocate(add(name, pools))));
  assert.deepEqual(given.flatMap(texts).toSorted(), ['eth0 10.6.1.1/16', 'eth0 10.6.2.1/16']);
  await assert.rejects(allocator.allocate(add('c', pools)), {
    code: 'IPPOOL_EXHAUSTED',
    message:
      /failed to allocate any IPv4 IP address to NIC eth0 from IPPools \[v4 more\].*used out.*used out/,
  });
});

test('an unknown, wrong or disabled pool and a dead or unknown pod are refused, and no address is allocated', async () => {
  const kube = await cluster({
    v4: { ips: ['10.6.1.1'] },
    off: { disable: true },
    v6: { subnet: 'fd00::/64', ips: ['fd00::1'] },
  });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  const dead = await pod(kube, 'dead');
  await kube.updateStatus(resources.pods, { ...dead, status: { phase: 'Failed', reason: 'Evicted' } });
  const refusal = (request: AllocationRequest, code: string) =>
    assert.rejects(allocator.allocate(request), { code });
  await refusal(add('web', { ipam: { default_ipv4_ippool: ['nope'] } }), 'IPPOOL_NOT_FOUND');
  await refusal(add('web', { ipam: { default_ipv4_ippool: ['v6'] } }), 'IPPOOL_UNSUITABLE');
  await refusal(add('web', { ipam: { default_ipv4_ippool: ['off'] } }), 'IPPOOL_UNSUITABLE');
  await refusal(add('dead', { podUid: dead.metadata.uid }), 'POD_DEAD');
  await refusal(add('nobody'), 'POD_UNKNOWN');
  await refusal(add('web', { podUid: 'another' }), 'POD_UNKNOWN');
  assert.equal(kube.count('updateStatus', 'spiderippools'), 0);
});

for (const [what, change] of [
  [
    'disabled',
    (kube: FakeKube) =>
      kube.patch(
        resources.spiderIPPools,
        { name: 'v4' },
        { type: 'merge', body: { spec: { disable: true } } },
      ),
  ],
  ['deleted', (kube: FakeKube) => kube.delete(resources.spiderIPPools, { name: 'v4' })],
] as const) {
  test(`a pool that is ${what} between choice and write is not used, and the next pool is`, async () => {
    const kube = await cluster({ v4: { ips: ['10.6.1.1'] }, more: { ips: ['10.6.2.1'] } });
    const allocator = await agent(kube);
    await pod(kube, 'web');
    let changed = false;
    kube.before = async ({ verb }) => {
      if (verb !== 'updateStatus' || changed) return;
      changed = true;
      await change(kube);
    };
    const allocation = await allocator.allocate(
      add('web', { ipam: { default_ipv4_ippool: ['v4', 'more'] } }),
    );
    assert.deepEqual(texts(allocation), ['eth0 10.6.2.1/16']);
  });
}

test('a release with the UID of an earlier pod does not release the addresses of the new pod of that name', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  const old = await pod(kube, 'web-0');
  await allocator.allocate(add('web-0'));
  await allocator.release(del('web-0', old.metadata.uid ?? ''));
  await kube.delete(resources.pods, { namespace: 'default', name: 'web-0' });
  const next = await pod(kube, 'web-0');
  await allocator.allocate(add('web-0', { podUid: next.metadata.uid }));
  await allocator.release(del('web-0', old.metadata.uid ?? ''));
  assert.equal((await records(kube))['10.6.1.1']?.podUid, next.metadata.uid);
  await allocator.settled();
  const endpoint = await kube.get(resources.spiderEndpoints, { namespace: 'default', name: 'web-0' });
  assert.equal(endpoint.status?.current.uid, next.metadata.uid);
});

test('a release frees the addresses of its NIC, the last release deletes the endpoint, and a repeat changes nothing', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.9'] } });
  const allocator = await agent(kube);
  const uid = (await pod(kube, 'web', { 'ipam.spidernet.io/ippools': pair('v4') })).metadata.uid ?? '';
  await allocator.allocate(add('web'));
  await allocator.release(del('web', uid, 'net1'));
  assert.deepEqual(
    Object.values(await records(kube)).map(({ nic }) => nic),
    ['eth0'],
  );
  await allocator.release(del('web', uid));
  await allocator.release(del('web', uid));
  assert.deepEqual(await records(kube), {});
  await allocator.settled();
  await assert.rejects(kube.get(resources.spiderEndpoints, { namespace: 'default', name: 'web' }), {
    code: 'KUBE_NOT_FOUND',
  });
});

test('a released address is not allocated while the pool has another', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.2'] } });
  const allocator = await agent(kube);
  const uid = (await pod(kube, 'a')).metadata.uid ?? '';
  await pod(kube, 'b');
  await pod(kube, 'c');
  await allocator.allocate(add('a'));
  await allocator.release(del('a', uid));
  assert.deepEqual(texts(await allocator.allocate(add('b'))), ['eth0 10.6.1.2/16']);
  assert.deepEqual(texts(await allocator.allocate(add('c'))), ['eth0 10.6.1.1/16']);
});

test('with addressRestSeconds 0 a released address is allocated at once', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.2'] } });
  const allocator = await agent(kube, { addressRestMs: 0 });
  const uid = (await pod(kube, 'a')).metadata.uid ?? '';
  await pod(kube, 'b');
  await allocator.allocate(add('a'));
  await allocator.release(del('a', uid));
  assert.deepEqual(texts(await allocator.allocate(add('b'))), ['eth0 10.6.1.1/16']);
});

test('a release that fails in one pool has ended in the others when it is answered', async () => {
  const kube = await cluster({
    v4: { ips: ['10.6.1.1-10.6.1.9'] },
    v6: { subnet: 'fd00::/64', ips: ['fd00::10-fd00::19'] },
  });
  const allocator = await agent(kube);
  const { metadata } = await pod(kube, 'a');
  await allocator.allocate(add('a', { ipam: { default_ipv6_ippool: ['v6'] } }));
  kube.before = async ({ verb, name }) => {
    if (verb !== 'updateStatus') return;
    if (name === 'v6') throw new OrbError('KUBE_FORBIDDEN', { message: 'no right to write' });
    await new Promise((resolve) => setTimeout(resolve, 200));
  };
  await assert.rejects(allocator.release(del('a', metadata.uid ?? '')), { code: 'KUBE_FORBIDDEN' });
  assert.deepEqual(await records(kube), {}, 'an ADD may follow at once');
});

test('a release from a deleted pool succeeds, and a release without the API server fails', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] }, more: { ips: ['10.6.2.1'] } });
  const allocator = await agent(kube);
  const uid = (await pod(kube, 'web')).metadata.uid ?? '';
  await allocator.allocate(add('web', { ipam: { default_ipv4_ippool: ['more'] } }));
  await kube.delete(resources.spiderIPPools, { name: 'v4' });
  kube.before = ({ verb }) => {
    if (verb === 'updateStatus') throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  };
  await assert.rejects(allocator.release(del('web', uid)), { code: 'KUBE_UNREACHABLE' });
  kube.before = () => {};
  await allocator.release(del('web', uid));
  assert.deepEqual(await records(kube, 'more'), {});
});

test('an address whose caller left during the write is released', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  const caller = new AbortController();
  kube.before = ({ verb }) => {
    if (verb === 'updateStatus')
      caller.abort(new OrbError('DEADLINE_PASSED', { message: 'the kubelet left' }));
  };
  await assert.rejects(allocator.allocate(add('web', { signal: caller.signal })), (error) =>
    isOrbError(error, 'DEADLINE_PASSED'),
  );
  while (Object.keys(await records(kube)).length > 0 || kube.count('updateStatus', 'spiderippools') < 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('reserved addresses are not allocated', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.2'] } });
  await kube.create(resources.spiderReservedIPs, {
    metadata: { name: 'router' },
    spec: { ips: ['10.6.1.1'] },
  });
  const allocator = await agent(kube);
  await pod(kube, 'web');
  const { addresses } = await allocator.allocate(add('web'));
  assert.equal(addresses[0] && formatAddress(addresses[0].address.address), '10.6.1.2');
});

test('a release that starts before the pools are known waits for them', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const killed = await agent(kube);
  const uid = (await pod(kube, 'web')).metadata.uid ?? '';
  await killed.allocate(add('web'));
  const next = unstarted(kube);
  const released = next.release({ ...del('web', uid), held: [] });
  await next.start();
  await released;
  assert.deepEqual(await records(kube), {});
});

test('an unreadable SpiderReservedIP blocks no release', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  const uid = (await pod(kube, 'web')).metadata.uid ?? '';
  await allocator.allocate(add('web'));
  await kube.create(resources.spiderReservedIPs, {
    metadata: { name: 'bad' },
    spec: { ips: ['10.6.0.300'] },
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await assert.rejects(allocator.allocate(add('web')), { code: 'IPPOOL_INVALID' });
  await allocator.release(del('web', uid));
  assert.deepEqual(await records(kube), {});
});

test('a release from a pool with a broken spec fails, so the DEL is kept until somebody corrects the spec', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  const uid = (await pod(kube, 'web')).metadata.uid ?? '';
  await allocator.allocate(add('web'));
  const setIps = (ips: string[]) =>
    kube.patch(resources.spiderIPPools, { name: 'v4' }, { type: 'merge', body: { spec: { ips } } });
  await setIps(['10.7.1.1']);
  await assert.rejects(allocator.release(del('web', uid)), { code: 'IPPOOL_INVALID' });
  await setIps(['10.6.1.1']);
  await allocator.release(del('web', uid));
  assert.deepEqual(await records(kube), {});
});

test('DEL finds an address whose write was accepted but not answered, although no read has shown it yet', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  const made = await pod(kube, 'web');
  const away = new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  let taken = false;
  kube.before = ({ verb, plural }) => {
    if (plural !== 'spiderippools') return;
    if (verb === 'watch' || verb === 'list' || (verb === 'get' && taken)) throw away;
    if (verb !== 'updateStatus' || taken) return;
    taken = true;
    throw away;
  };
  await assert.rejects(allocator.allocate(add('web')), { code: 'KUBE_UNREACHABLE' });
  const release = { ...del('web', made.metadata.uid ?? ''), held: [] };
  await assert.rejects(allocator.release(release), { code: 'KUBE_UNREACHABLE' });
});

test('an address in quarantine is not allocated, even when the pool has no other', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1-10.6.1.2'] } });
  const allocator = await agent(kube);
  const uid = (await pod(kube, 'web')).metadata.uid ?? '';
  await pod(kube, 'api');
  const [first] = (await allocator.allocate(add('web'))).addresses;
  assert.ok(first);
  const addresses = [{ address: first.address.address, heldIn: 'v4' }];
  await allocator.quarantine({ podUid: uid, nic: 'eth0', addresses, signal: AbortSignal.timeout(20_000) });
  assert.deepEqual(await records(kube), {});
  assert.deepEqual(texts(await allocator.allocate(add('web'))), ['eth0 10.6.1.2/16']);
  await assert.rejects(allocator.allocate(add('api')), { code: 'IPPOOL_EXHAUSTED' });
});

test('CHECK fails for an address that its pool does not hold for the pod any more, or whose pool is gone', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  const podUid = (await pod(kube, 'web')).metadata.uid ?? '';
  const [first] = (await allocator.allocate(add('web'))).addresses;
  assert.ok(first);
  const addresses = [{ address: first.address.address, heldIn: 'v4' }];
  const check = { podUid, nic: 'eth0', addresses, signal: AbortSignal.timeout(20_000) };
  await allocator.verify(check);
  const lost = {
    code: 'CNI_CHECK_FAILED',
    message: 'address 10.6.1.1 of interface eth0 is not held for this pod in IPPool v4 any more',
    subject: 'SpiderIPPool v4',
  };
  await assert.rejects(allocator.verify({ ...check, podUid: 'another pod' }), lost);
  await assert.rejects(allocator.verify({ ...check, nic: 'net1' }), { code: lost.code });
  await allocator.release(del('web', podUid));
  await assert.rejects(allocator.verify(check), lost);
  await kube.delete(resources.spiderIPPools, { name: 'v4' });
  await assert.rejects(allocator.verify(check), lost);
});

test('with match_master_subnet, a NIC uses pools of the network of its parent interface only', async () => {
  const kube = await cluster({
    v4: { ips: ['10.6.1.1-10.6.1.9'] },
    seven: { subnet: '10.7.0.0/16', ips: ['10.7.1.1-10.7.1.9'], multusName: ['kube-system/lan'] },
  });
  const allocator = await agent(kube);
  await pod(kube, 'web', { 'v1.multus-cni.io/default-network': 'lan' });
  await pod(kube, 'api', { 'v1.multus-cni.io/default-network': 'lan' });
  const ipam = { default_ipv4_ippool: ['v4', 'seven'], match_master_subnet: true };
  const parentNetworks = async () => [parseCidr('10.7.0.101/16'), parseCidr('fd00::1/64')];
  assert.deepEqual(texts(await allocator.allocate(add('web', { ipam, parentNetworks }))), [
    'eth0 10.7.1.1/16',
  ]);
  await assert.rejects(allocator.allocate(add('api', { ipam })), {
    code: 'IPPOOL_UNSUITABLE',
    message:
      /the parent interface of eth0 has the addresses \[\], and IPPool v4 has the subnet 10\.6\.0\.0\/16, .*IPPool seven has/,
  });
});

test('a static pod is found by the hash that the runtime sends as its UID', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  await pod(kube, 'static-node1', { 'kubernetes.io/config.mirror': 'a1b2' });
  const allocation = await allocator.allocate(add('static-node1', { podUid: 'a1b2' }));
  assert.deepEqual(texts(allocation), ['eth0 10.6.1.1/16']);
});

test('a pool that was deleted and created again allocates as a new pool', async () => {
  const kube = await cluster({ v4: { ips: ['10.6.1.1'] } });
  const allocator = await agent(kube);
  await pod(kube, 'old');
  await allocator.allocate(add('old'));
  await kube.delete(resources.spiderIPPools, { name: 'v4' });
  await createPool(kube, 'v4', { ips: ['10.6.1.1'] });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await pod(kube, 'new');
  assert.deepEqual(texts(await allocator.allocate(add('new'))), ['eth0 10.6.1.1/16']);
});
