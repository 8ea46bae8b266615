import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type CniResult, type Pod, parseCniEnvironment, parseNetConf, type SpiderCoordinator } from '#api';
import { silentLogger } from '#base';
import { formatAddress, formatCidr, parseAddress, parseCidr } from '#ip';
import { ROUTE_PROTOCOL, refusal } from '#net';
import { FakeNamespace, type FakeNamespaces } from '#net/testing';
import { Attachments, coordinatorPart, MemoryStateFiles } from '#node';
import type { NetnsCall } from '../plugin.ts';
import { quietDetection } from '../testing/fake-detection.ts';
import { CoordinatorPlugin } from './coordinator.ts';

const containerId = '0123456789abcdef';
const hostLink = 'veth0123456789a';
const prevResult: CniResult = {
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: '/run/netns/pod' }],
  ips: [{ address: '10.6.1.5/16', gateway: '10.6.0.1', interface: 0 }],
  routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1' }],
};

let peers: FakeNamespaces;
let files: MemoryStateFiles;
let attachments: Attachments;
let node: FakeNamespace;
let pod: FakeNamespace;
let podIsGone: boolean;
let podAnnotations: Record<string, string>;
let announced: string[];
let plugin: CoordinatorPlugin;

beforeEach(async () => {
  peers = new Map();
  node = new FakeNamespace({ peers });
  pod = new FakeNamespace({ peers });
  pod.addLink({ name: 'eth0', mac: '02:00:00:00:00:01', up: true, carrier: true });
  pod.change([
    {
      verb: 'create',
      kind: 'address',
      address: { dev: 'eth0', address: parseCidr('10.6.1.5/16'), scope: 'global' },
    },
  ]);
  podIsGone = false;
  podAnnotations = {};
  announced = [];
  files = new MemoryStateFiles();
  await startAgent();
});

/** The plugin of an agent that has just started on what lies on the disk. */
async function startAgent(): Promise<void> {
  // This test's own list: what the one before announced after its answer must not count here.
  const own = announced;
  attachments = await Attachments.open(files, silentLogger);
  plugin = new CoordinatorPlugin({
    sources: new Map(),
    detection: {
      ...quietDetection,
      announce: async ({ addresses }) => void own.push(...addresses.map(formatAddress)),
    },
    attachments,
    node,
    openNamespace: async (path) => {
      if (!podIsGone) return pod;
      const words = 'No such file or directory';
      throw refusal({ doing: `open ${path}`, subject: path, errno: 'ENOENT', words });
    },
    pod: async ({ namespace, name }) =>
      ({ metadata: { namespace, name, uid: 'uid-a', annotations: podAnnotations } }) as Pod,
    spiderCoordinator: () =>
      ({
        metadata: { name: 'default' },
        status: { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/16'] },
      }) as SpiderCoordinator,
    nodeAddresses: () => [parseAddress('10.6.0.101')],
    notReady: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
  });
}

function call(conf: object = { prevResult }, interfaceName = 'eth0', sandbox = containerId): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: sandbox,
    CNI_IFNAME: interfaceName,
    CNI_NETNS: '/run/netns/pod',
    CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a',
  }) as NetnsCall['environment'];
  const parsed = parseNetConf(
    JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'coordinator', ...conf }),
  );
  return {
    conf: parsed,
    environment,
    netns: '/run/netns/pod',
    signal: new AbortController().signal,
    log: silentLogger,
  };
}

const linksOf = (namespace: FakeNamespace) => namespace.links().map(({ name }) => name);

test('ADD connects pod and node by a veth pair, and passes the previous result on', async () => {
  const result = await plugin.add(call());
  assert.deepEqual(
    [linksOf(node), linksOf(pod)],
    [
      ['lo', hostLink],
      ['lo', 'eth0', 'veth0'],
    ],
  );
  assert.deepEqual(result.routes, prevResult.routes);
  assert.deepEqual(
    result.interfaces?.map(({ name }) => name),
    ['eth0', hostLink, 'veth0'],
  );
});

test('ADD announces the addresses of the NIC after all changes', async () => {
  await plugin.add(call());
  await setImmediate();
  assert.deepEqual(announced, ['10.6.1.5']);
});

test('ADD does not announce an address that a migrating virtual machine still uses in another pod', async () => {
  const key = { containerId, interfaceName: 'eth0', network: 'net', createdAt: '2030-01-01T00:00:00.000Z' };
  const part = { state: 'done' as const, netConf: {}, result: {}, addresses: [], shared: true };
  await attachments.put({ version: 1, ...key, ipam: part });
  await plugin.add(call());
  await setImmediate();
  assert.deepEqual(announced, []);
});

test('a repeated ADD changes nothing', async () => {
  await plugin.add(call());
  const before = [pod.routes(), pod.rules(), node.routes()];
  await plugin.add(call());
  assert.deepEqual([pod.routes(), pod.rules(), node.routes()], before);
});

test('the record of an ADD is on disk before the first change of the kernel', async () => {
  const states: (string | undefined)[] = [];
  const apply = node.change.bind(node);
  node.change = (changes) => {
    states.push(attachments.get({ containerId, interfaceName: 'eth0' })?.coordinator?.state);
    apply(changes);
  };
  await plugin.add(call());
  assert.equal(states[0], 'intended');
  await setImmediate();
  assert.equal(attachments.get({ containerId, interfaceName: 'eth0' })?.coordinator?.state, 'done');
});

test('a DEL directly after the answer leaves no record, although the ADD still has to write', async () => {
  await plugin.add(call());
  await attachments.removePart({ containerId, interfaceName: 'eth0' }, coordinatorPart);
  await setImmediate();
  assert.equal(attachments.get({ containerId, interfaceName: 'eth0' }), undefined);
});

test('an ADD that the kernel refuses is undone, and its record is removed', async () => {
  const apply = pod.change.bind(pod);
  pod.change = (changes) => {
    apply(changes);
    if (changes.some((change) => change.verb !== 'delete' && change.kind === 'route'))
      throw refusal({
        doing: 'create route',
        subject: 'route',
        errno: 'EPERM',
        words: 'Operation not permitted',
      });
  };
  await assert.rejects(plugin.add(call()), { code: 'KERNEL_REFUSED' });
  assert.deepEqual([linksOf(node), linksOf(pod)], [['lo'], ['lo', 'eth0']]);
  assert.equal(files.files.size, 0);
});

test('an ADD whose undo also fails reports the first refusal and leaves its record to DEL', async () => {
  const refuse = (doing: string) => () => {
    throw refusal({ doing, subject: doing, errno: 'EPERM', words: 'Operation not permitted' });
  };
  pod.change = () => {
    for (const namespace of [node, pod]) namespace.change = refuse('undo');
    node.deleteLink = refuse('undo');
    return refuse('make')();
  };
  await assert.rejects(plugin.add(call()), { code: 'KERNEL_REFUSED', message: /cannot make/ });
  assert.equal(files.files.size, 1);
});

test('a repair directly after the answer does not keep the record from being completed', async () => {
  await plugin.add(call());
  const key = { containerId, interfaceName: 'eth0' };
  const record = attachments.get(key);
  assert.ok(record?.coordinator);
  const { coordinator } = record;
  await attachments.putForKernel({
    ...record,
    coordinator: { ...coordinator, plan: structuredClone(coordinator.plan) },
  });
  for (let turn = 0; turn < 3; turn++) await setImmediate();
  assert.equal(attachments.get(key)?.coordinator?.state, 'done');
});

test('ADD without a previous result is refused', async () => {
  await assert.rejects(plugin.add(call({})), /prevResult is missing; coordinator is chained after/);
});

test('mode disable makes nothing and passes the previous result on', async () => {
  assert.deepEqual(await plugin.add(call({ prevResult, mode: 'disable' })), prevResult);
  assert.deepEqual(linksOf(node), ['lo']);
});

test('DEL removes everything that ADD made, also after a restart and twice', async () => {
  await plugin.add(call());
  await startAgent();
  await plugin.del(call({}));
  await plugin.del(call({}));
  assert.deepEqual([linksOf(node), linksOf(pod), files.files.size], [['lo'], ['lo', 'eth0'], 0]);
});

test('DEL removes the node’s end although the namespace of the pod is gone', async () => {
  await plugin.add(call());
  podIsGone = true;
  await plugin.del(call({}));
  assert.deepEqual([linksOf(node), files.files.size], [['lo'], 0]);
});

test('DEL removes the link by the container id alone, without a record', async () => {
  await plugin.add(call());
  files = new MemoryStateFiles();
  await startAgent();
  await plugin.del(call({}));
  assert.deepEqual(linksOf(node), ['lo']);
});

test('DEL of another NIC leaves the link to the NIC that it was made for', async () => {
  await plugin.add(call());
  await plugin.del(call({}, 'net1'));
  assert.deepEqual(linksOf(node), ['lo', hostLink]);
});

test('CHECK of an interface that was never added fails', async () => {
  await assert.rejects(
    plugin.check(call()),
    /there is no record of interface eth0 of container 0123456789abcdef/,
  );
});

test('CHECK names the missing link', async () => {
  await plugin.add(call());
  pod.change([{ verb: 'delete', kind: 'link', name: 'veth0' }]);
  await assert.rejects(plugin.check(call()), { code: 'CNI_CHECK_FAILED', message: /link veth0 is missing/ });
});

test('GC removes an attachment that the runtime does not list', async () => {
  await plugin.add(call());
  const listed = [{ containerID: containerId, ifname: 'eth0' }];
  await plugin.gc(call({ 'cni.dev/valid-attachments': listed }));
  assert.deepEqual(linksOf(node), ['lo', hostLink]);
  await plugin.gc(call({ 'cni.dev/valid-attachments': [] }));
  assert.deepEqual([linksOf(node), files.files.size], [['lo'], 0]);
});

test('a late DEL whose path leads to the node now removes nothing from the node', async () => {
  await plugin.add(call());
  const rules = node.rules().filter(({ protocol }) => protocol === ROUTE_PROTOCOL);
  assert.notEqual(rules.length, 0);
  const own = pod;
  pod = node;
  await plugin.del(call());
  pod = own;
  assert.deepEqual(
    node.rules().filter(({ protocol }) => protocol === ROUTE_PROTOCOL),
    rules,
  );
  assert.equal(linksOf(node).includes(hostLink), false);
});

/** What the main plugin makes and says of a second NIC. */
const resultOfNet1: CniResult = {
  interfaces: [{ name: 'net1', mac: '02:00:00:00:00:02', sandbox: '/run/netns/pod' }],
  ips: [{ address: '10.7.1.5/16', interface: 0 }],
};

function plugNet1(): CniResult {
  pod.addLink({ name: 'net1', mac: '02:00:00:00:00:02', up: true, carrier: true });
  const address = parseCidr('10.7.1.5/16');
  pod.change([{ verb: 'create', kind: 'address', address: { dev: 'net1', address, scope: 'global' } }]);
  return resultOfNet1;
}

const sourceRules = () => pod.rules().flatMap(({ from }) => (from === undefined ? [] : [formatCidr(from)]));

const hostRoutes = () =>
  node
    .routes({ table: 500 })
    .map(({ destination }) => formatCidr(destination))
    .sort();

test('a second NIC uses the veth of the first, and its result does not claim the veth', async () => {
  await plugin.add(call());
  const result = await plugin.add(call({ prevResult: plugNet1() }, 'net1'));
  assert.deepEqual(
    result.interfaces?.map(({ name }) => name),
    ['net1'],
  );
  assert.deepEqual(hostRoutes(), ['10.6.1.5/32', '10.7.1.5/32']);
  assert.deepEqual(sourceRules().sort(), ['10.6.1.5/32', '10.7.1.5/32']);
});

test('a default route NIC that the pod never gets is refused with its second NIC, and nothing of that NIC is left', async () => {
  podAnnotations = {
    'k8s.v1.cni.cncf.io/networks': 'a',
    'ipam.spidernet.io/default-route-nic': 'net5',
  };
  await plugin.add(call());
  const result = plugNet1();
  await assert.rejects(plugin.add(call({ prevResult: result }, 'net1')), {
    code: 'INPUT_INVALID',
    message: /^podDefaultRouteNIC: net5 don't exist in pod/,
  });
  assert.deepEqual(hostRoutes(), ['10.6.1.5/32']);
  await plugin.add(call({ prevResult: result, mode: 'disable' }, 'net1'));
});

test('DEL of net1 removes its route from the node although the pod’s namespace is gone, and leaves eth0’s', async () => {
  await plugin.add(call());
  await plugin.add(call({ prevResult: plugNet1() }, 'net1'));
  await startAgent();
  podIsGone = true;
  await plugin.del(call({}, 'net1'));
  assert.deepEqual(hostRoutes(), ['10.6.1.5/32']);
  assert.equal(linksOf(node).includes(hostLink), true);
});

/** A new sandbox whose eth0 is Calico's, with the link on the node that is named after the pod. */
function sandboxOfCalico(): void {
  if (linksOf(node).includes('cali1')) node.change([{ verb: 'delete', kind: 'link', name: 'cali1' }]);
  pod = new FakeNamespace({ peers });
  const peer = { name: 'eth0', netnsFd: pod.fd };
  const address = parseCidr('10.244.1.5/32');
  node.change([
    { verb: 'create', kind: 'link', link: { name: 'cali1', type: { kind: 'veth', peer }, up: true } },
  ]);
  pod.change([
    { verb: 'set', kind: 'link', link: { name: 'eth0', up: true } },
    { verb: 'create', kind: 'address', address: { dev: 'eth0', address, scope: 'global' } },
  ]);
}

test('a DEL after the ADD of the pod’s next sandbox leaves that sandbox its route, although their links have one name', async () => {
  sandboxOfCalico();
  await plugin.add(call({ prevResult: plugNet1() }, 'net1'));
  sandboxOfCalico();
  await plugin.add(call({ prevResult: plugNet1() }, 'net1', 'fedcba9876543210'));
  podIsGone = true;
  await plugin.del(call({}, 'net1'));
  assert.deepEqual(hostRoutes(), ['10.7.1.5/32']);
  await plugin.del(call({}, 'net1', 'fedcba9876543210'));
  assert.deepEqual(hostRoutes(), []);
});

test('GC of net1 alone leaves eth0', async () => {
  await plugin.add(call());
  await plugin.add(call({ prevResult: plugNet1() }, 'net1'));
  const listed = [{ containerID: containerId, ifname: 'eth0' }];
  await plugin.gc(call({ 'cni.dev/valid-attachments': listed }));
  assert.deepEqual([hostRoutes(), sourceRules()], [['10.6.1.5/32'], []]);
});

test('an ADD of net1 that the kernel refuses leaves eth0 unchanged', async () => {
  await plugin.add(call());
  const before = [pod.routes(), pod.rules(), hostRoutes()];
  const prevNet1 = plugNet1();
  const connected = pod.routes({ dev: 'net1' });
  const apply = pod.change.bind(pod);
  pod.change = (changes) => {
    apply(changes);
    if (!changes.some((change) => change.verb === 'create' && change.kind === 'rule')) return;
    const words = 'Operation not permitted';
    throw refusal({ doing: 'create rule', subject: 'rule', errno: 'EPERM', words });
  };
  await assert.rejects(plugin.add(call({ prevResult: prevNet1 }, 'net1')), { code: 'KERNEL_REFUSED' });
  pod.change = apply;
  const routes = pod.routes().filter((route) => !connected.includes(route));
  assert.deepEqual([routes, pod.rules(), hostRoutes()], before);
  assert.equal(attachments.get({ containerId, interfaceName: 'net1' }), undefined);
});

test('net1 in mode underlay beside an eth0 without coordinator is refused in Spiderpool’s words, and nothing is left', async () => {
  const conf = { prevResult: plugNet1(), mode: 'underlay' };
  await assert.rejects(plugin.add(call(conf, 'net1')), {
    code: 'COORDINATOR_MODE_CONFLICT',
    message: /auxiliary interface eth0 was not created by previous interface/,
  });
  assert.deepEqual([linksOf(node), files.files.size], [['lo'], 0]);
});

test('a MAC prefix on an ipvlan is refused before any change, because the kernel would refuse it half-way', async () => {
  pod.change([{ verb: 'delete', kind: 'link', name: 'eth0' }]);
  pod.addLink({ name: 'eth0', kind: 'ipvlan', mac: '02:00:00:00:00:01', up: true });
  await assert.rejects(plugin.add(call({ prevResult, podMACPrefix: '0a:1b' })), {
    code: 'INPUT_INVALID',
    message: /^podMACPrefix 0a:1b cannot be used on eth0: an ipvlan has the MAC address of its parent/,
  });
  assert.deepEqual([linksOf(node), linksOf(pod)], [['lo'], ['lo', 'eth0']]);
});
