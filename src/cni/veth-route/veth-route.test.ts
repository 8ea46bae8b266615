import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parseCniEnvironment, parseNetConf } from '#api';
import { OrbError, silentLogger } from '#base';
import { formatAddress, parseAddress, parseCidr } from '#ip';
import { refusal } from '#net';
import { FakeNamespace, type FakeNamespaces } from '#net/testing';
import { Attachments, MemoryStateFiles, vethRoutePart } from '#node';
import type { Ipam } from '../ipam/index.ts';
import type { NetnsCall } from '../plugin.ts';
import { quietDetection } from '../testing/fake-detection.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import { VethRoutePlugin } from './veth-route.ts';

const containerId = '0123456789abcdef';

let node: FakeNamespace;
let pod: FakeNamespace;
let attachments: Attachments;
let pools: FakeIpam;
let ports: FakeIpam;
let announced: string[];
let probed: string[];
let plugin: VethRoutePlugin;

function addNic(name: string, address: string): void {
  node.addLink({ name, up: true, carrier: true, mtuBytes: 1450, mac: '02:00:00:00:00:09' });
  node.change([
    { verb: 'create', kind: 'address', address: { dev: name, address: parseCidr(address), scope: 'global' } },
  ]);
}

beforeEach(async () => {
  const peers: FakeNamespaces = new Map();
  node = new FakeNamespace({ peers });
  pod = new FakeNamespace({ peers });
  addNic('ens3', '10.6.0.8/16');
  pools = new FakeIpam();
  ports = new FakeIpam();
  announced = [];
  probed = [];
  attachments = await Attachments.open(new MemoryStateFiles(), silentLogger, [vethRoutePart]);
  const [saidProbed, saidAnnounced] = [probed, announced];
  plugin = new VethRoutePlugin({
    sources: new Map<string, Ipam>([
      ['spiderpool', pools],
      ['neutron', ports],
    ]),
    detection: {
      ...quietDetection,
      conflict: true,
      probe: async ({ netns, nic }) => {
        saidProbed.push(`${netns} ${nic}`);
        return { kind: 'free' };
      },
      announce: async ({ netns, nic, addresses }) =>
        void saidAnnounced.push(`${netns} ${nic} ${addresses.map(formatAddress).join(' ')}`),
    },
    attachments,
    node,
    nodeNetns: '/proc/1/ns/net',
    openNamespace: async () => pod,
    parentNetworks: () => [],
    nodeAddresses: () => [parseAddress('10.6.0.8')],
    notReady: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
  });
});

function call(conf: object = {}, sandbox = containerId): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: sandbox,
    CNI_IFNAME: 'eth0',
    CNI_NETNS: '/run/netns/pod',
    CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-a',
  }) as NetnsCall['environment'];
  const given = {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'veth-route',
    ipam: { type: 'spiderpool' },
    ...conf,
  };
  const signal = new AbortController().signal;
  return {
    conf: parseNetConf(JSON.stringify(given)),
    environment,
    netns: '/run/netns/pod',
    signal,
    log: silentLogger,
  };
}

const proxies = () => node.proxies().map(({ dev, address }) => `${formatAddress(address)} ${dev}`);

test('ADD probes and announces by the NIC of the node, where the network is', async () => {
  const result = await plugin.add(call());
  await setImmediate();
  assert.deepEqual(probed, ['/proc/1/ns/net ens3']);
  assert.deepEqual(announced, ['/proc/1/ns/net ens3 10.6.1.1']);
  assert.deepEqual(proxies(), ['10.6.1.1 ens3']);
  assert.deepEqual(
    result.interfaces?.map(({ mtu }) => mtu),
    [1450, 1450],
  );
});

test('a NIC that is down is neither probed on nor set up', async () => {
  node.change([{ verb: 'set', kind: 'link', link: { name: 'ens3', up: false } }]);
  await plugin.add(call());
  await setImmediate();
  assert.deepEqual([probed, announced, node.link('ens3')?.up], [[], [], false]);
});

test('the NIC of Neutron’s port answers for its addresses, or the NIC that hostInterface names', async () => {
  addNic('ens4', '10.6.0.9/16');
  addNic('ens5', '10.7.0.9/16');
  const ipam = { type: 'neutron', neutronConf: { mode: 'mix', hostInterface: 'ens4' } };
  await plugin.add(call({ ipam }));
  assert.deepEqual(proxies(), ['10.6.1.1 ens4']);
  assert.deepEqual([pools.allocations.length, ports.allocations.length], [0, 1]);
  await plugin.del(call({ ipam }));
  await plugin.add(call({ ipam, hostInterface: 'ens5' }));
  assert.deepEqual(proxies(), ['10.6.1.2 ens5']);
});

test('DNS comes from IPAM, or else from the configuration', async () => {
  const { dns } = await plugin.add(call({ dns: { nameservers: ['192.0.2.53'] } }));
  assert.deepEqual(dns, { nameservers: ['192.0.2.53'] });
});

test('an ADD that the kernel refuses leaves no pair, no proxy, no record and no address', async () => {
  const change = node.change.bind(node);
  node.change = (changes) => {
    change(changes.filter(({ kind }) => kind !== 'route'));
    if (changes.some(({ kind }) => kind === 'route'))
      throw refusal({ doing: 'create route', subject: 'route', errno: 'EPERM', words: 'not permitted' });
  };
  await assert.rejects(plugin.add(call()), { code: 'KERNEL_REFUSED' });
  assert.deepEqual(
    [node.links().map(({ name }) => name), pod.links().map(({ name }) => name)],
    [['lo', 'ens3'], ['lo']],
  );
  assert.deepEqual([proxies(), attachments.all(), [...pools.held]], [[], [], []]);
});

test('an ADD that gets no address leaves no pair', async () => {
  pools.failure = new OrbError('KUBE_UNREACHABLE', { message: 'no server' });
  await assert.rejects(plugin.add(call()), { code: 'KUBE_UNREACHABLE' });
  assert.equal(pod.link('eth0'), undefined);
});

test('DEL removes the network also while the addresses cannot be given back, and gives them back later', async () => {
  await plugin.add(call());
  pools.failure = new OrbError('KUBE_UNREACHABLE', { message: 'no server' });
  await assert.rejects(plugin.del(call()), { code: 'KUBE_UNREACHABLE' });
  assert.deepEqual([pod.link('eth0'), proxies()], [undefined, []]);
  pools.failure = undefined;
  // The network may have another source of addresses by now.
  await plugin.del(call({ ipam: { type: 'neutron' } }));
  assert.deepEqual([[...pools.held], attachments.all()], [[], []]);
});

test('a repeated ADD keeps the record, and a DEL at that moment removes the proxy', async () => {
  const first = await plugin.add(call());
  assert.deepEqual(await plugin.add(call()), first);
  const del = plugin.del(call());
  await setImmediate();
  await del;
  assert.deepEqual([proxies(), attachments.all()], [[], []]);
});

test('a newer sandbox with the same address keeps the proxy when the older one goes', async () => {
  await plugin.add(call());
  const young = 'fedcba9876543210';
  const record = attachments.get({ containerId, interfaceName: 'eth0' });
  assert.ok(record !== undefined);
  await attachments.put({ ...record, containerId: young });
  await attachments.supersede('uid-a', young);
  await plugin.del(call());
  assert.deepEqual(proxies(), ['10.6.1.1 ens3']);
});

test('CHECK names what is missing, also an address that IPAM has lost', async () => {
  const prevResult = await plugin.add(call());
  await plugin.check(call({ prevResult }));
  pools.held.clear();
  await assert.rejects(plugin.check(call({ prevResult })), /is not held for this pod/);
  node.change([{ verb: 'delete', kind: 'proxy', proxy: { dev: 'ens3', address: parseAddress('10.6.1.1') } }]);
  await assert.rejects(plugin.check(call({ prevResult })), /neighbour proxy 10\.6\.1\.1 dev ens3 is missing/);
  await assert.rejects(plugin.check(call()), /prevResult is missing/);
});

test('GC removes network and addresses of what is not listed', async () => {
  await plugin.add(call());
  await plugin.gc(call({ 'cni.dev/valid-attachments': [{ containerID: containerId, ifname: 'eth0' }] }));
  assert.equal(attachments.all().length, 1);
  await plugin.gc(call({ 'cni.dev/valid-attachments': [] }));
  assert.deepEqual([pod.link('eth0'), [...pools.held], attachments.all()], [undefined, [], []]);
});

test('parts of both types are in one record', async () => {
  await plugin.add(call());
  const record = attachments.get({ containerId, interfaceName: 'eth0' });
  assert.ok(record !== undefined);
  assert.deepEqual([record.ipam?.state, Object.keys(record.parts ?? {})], ['done', [vethRoutePart.name]]);
});
