import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type CniResult, type Pod, parseCniEnvironment, parseNetConf, type SpiderCoordinator } from '#api';
import { silentLogger } from '#base';
import { formatCidr, parseAddress, parseCidr } from '#ip';
import { FakeNamespace, type FakeNamespaces } from '#net/testing';
import { Attachments, MemoryStateFiles } from '#node';
import type { NetnsCall } from '../plugin.ts';
import { quietDetection } from '../testing/fake-detection.ts';
import { TranslatedPlugin } from './translated.ts';

const key = { containerId: '0123456789abcdef', interfaceName: 'eth0' };
const prevResult: CniResult = {
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: '/run/netns/pod' }],
  ips: [{ address: '10.6.1.5/16', gateway: '10.6.0.1', interface: 0 }],
};

let attachments: Attachments;
let pod: FakeNamespace;
let coordinator: SpiderCoordinator | undefined;
let veth: TranslatedPlugin;

beforeEach(async () => {
  const peers: FakeNamespaces = new Map();
  const node = new FakeNamespace({ peers });
  pod = new FakeNamespace({ peers });
  pod.addLink({ name: 'eth0', mac: '02:00:00:00:00:01', up: true, carrier: true });
  const address = { dev: 'eth0', address: parseCidr('10.6.1.5/16'), scope: 'global' } as const;
  pod.change([{ verb: 'create', kind: 'address', address }]);
  attachments = await Attachments.open(new MemoryStateFiles(), silentLogger);
  coordinator = undefined;
  veth = new TranslatedPlugin('veth', {
    sources: new Map(),
    detection: quietDetection,
    attachments,
    node,
    openNamespace: async () => pod,
    pod: async ({ namespace, name }) => ({ metadata: { namespace, name, uid: 'uid-a' } }) as Pod,
    spiderCoordinator: () => coordinator,
    nodeAddresses: () => [parseAddress('10.6.0.101')],
    notReady: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
  });
});

function call(options: object): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: key.containerId,
    CNI_IFNAME: key.interfaceName,
    CNI_NETNS: '/run/netns/pod',
    CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a',
  }) as NetnsCall['environment'];
  return {
    conf: parseNetConf(JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'veth', ...options })),
    environment,
    netns: '/run/netns/pod',
    signal: new AbortController().signal,
    log: silentLogger,
  };
}

const services = { service_cidr: ['10.96.0.0/12'], prevResult };
const gatewaysOfPod = () =>
  pod
    .routes()
    .filter(({ gateway, table }) => gateway !== undefined && table === 254)
    .map(({ destination }) => formatCidr(destination));

test('without a SpiderCoordinator, veth hijacks only the networks of its configuration', async () => {
  await veth.add(call(services));
  assert.deepEqual(gatewaysOfPod(), ['10.96.0.0/12']);
});

test('a list that is absent in veth comes from the SpiderCoordinator', async () => {
  coordinator = {
    metadata: { name: 'default' },
    status: { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.0.0.0/24'] },
  } as SpiderCoordinator;
  await veth.add(call(services));
  assert.deepEqual(gatewaysOfPod(), ['10.244.0.0/16', '10.96.0.0/12']);
});

test('veth waits for a SpiderCoordinator that is not ready, so that a pod’s routes do not depend on its start time', async () => {
  coordinator = { metadata: { name: 'default' }, status: { phase: 'NotReady' } } as SpiderCoordinator;
  await assert.rejects(veth.add(call(services)), { code: 'COORDINATOR_NOT_READY' });
});

test('the record holds the translation', async () => {
  await veth.add(call({ ...services, hardware_prefix: '0a:1b' }));
  const { netConf, plan } = attachments.get(key)?.coordinator ?? {};
  assert.equal(netConf?.type, 'coordinator');
  assert.equal(plan?.options.podMACPrefix, '0a:1b');
});

test('CHECK, DEL and GC accept a configuration that ADD would refuse', async () => {
  const broken = { ...services, move_routes: 9 };
  await assert.rejects(veth.add(call(broken)), { message: /move_routes: 9/ });
  const links = () => pod.links().map(({ name }) => name);
  await veth.add(call(services));
  pod.change(
    pod
      .routes()
      .filter(({ destination }) => formatCidr(destination) === '10.96.0.0/12')
      .map((route) => ({ verb: 'delete', kind: 'route', route }) as const),
  );
  await assert.rejects(veth.check(call(services)), { code: 'CNI_CHECK_FAILED', message: /10\.96\.0\.0\/12/ });
  await veth.del(call(broken));
  assert.deepEqual([links(), attachments.all()], [['lo', 'eth0'], []]);
  await veth.add(call(services));
  await veth.gc(call({ ...broken, 'cni.dev/valid-attachments': [] }));
  assert.deepEqual([links(), attachments.all()], [['lo', 'eth0'], []]);
});

test('ADD without a previous result is refused with the name of the type', async () => {
  const message = 'prevResult is missing; veth is chained after the plugin that makes the interface';
  await assert.rejects(veth.add(call({ service_cidr: ['10.96.0.0/12'] })), {
    code: 'INPUT_INVALID',
    message,
  });
});
