import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type CniResult, parseCniEnvironment, parseNetConf } from '#api';
import { OrbError, silentLogger } from '#base';
import { parseAddress } from '#ip';
import { FakeNamespace } from '#net/testing';
import { Attachments, MemoryStateFiles, type ProbeReport } from '#node';
import type { NetnsCall } from '../plugin.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import { IpamPlugin } from './ipam-plugin.ts';

let ipam: FakeIpam;
let files: MemoryStateFiles;
let attachments: Attachments;
let plugin: IpamPlugin;
let pod: FakeNamespace;
let report: ProbeReport;
let probes: number;

/** The plugin of an agent that has just started on what lies on the disk. */
async function startAgent(): Promise<void> {
  attachments = await Attachments.open(files, silentLogger);
  plugin = new IpamPlugin('spiderpool', {
    sources: new Map([['spiderpool', ipam]]),
    attachments,
    openNamespace: async () => pod,
    parentNetworks: () => [],
    detection: {
      conflict: true,
      gateway: true,
      deadlineMs: 300,
      probe: async () => {
        probes++;
        return report;
      },
      conflicted: () => {},
      announce: async () => {},
    },
    notReady: () => undefined,
    timestamp: () => '2030-01-01T00:00:00.000Z',
  });
}

beforeEach(async () => {
  report = { kind: 'free' };
  probes = 0;
  ipam = new FakeIpam();
  files = new MemoryStateFiles();
  pod = new FakeNamespace({ sysctls: { 'ipv6/conf/default/accept_dad': '1' } });
  await startAgent();
});

interface Who {
  readonly containerId?: string;
  readonly interfaceName?: string;
  readonly args?: string;
  readonly conf?: object;
  readonly prevResult?: CniResult;
}

function call({
  containerId = 'one',
  interfaceName = 'eth0',
  args,
  conf = {},
  prevResult,
}: Who = {}): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: interfaceName,
    CNI_NETNS: '/run/netns/pod',
    CNI_ARGS: args ?? 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-a',
  }) as NetnsCall['environment'];
  const stdin = {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'macvlan',
    ipam: { type: 'spiderpool' },
    prevResult,
    ...conf,
  };
  const parsed = parseNetConf(JSON.stringify(stdin));
  const signal = new AbortController().signal;
  return { conf: parsed, environment, netns: '/run/netns/pod', signal, log: silentLogger };
}

test('ADD returns addresses and routes without interfaces, as IPAM plugins do', async () => {
  assert.deepEqual(await plugin.add(call()), {
    ips: [{ address: '10.6.1.1/16', gateway: '10.6.0.1' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.6.0.1' }],
    dns: {},
  });
});

test('ADD switches duplicate address detection off before the main plugin sets addresses', async () => {
  await plugin.add(call());
  assert.equal(pod.sysctls.get('ipv6/conf/default/accept_dad'), '0');
});

test('ADD is refused before any allocation when CNI_ARGS names no pod', async () => {
  await assert.rejects(plugin.add(call({ args: 'K8S_POD_NAME=a' })), /CNI_ARGS lacks K8S_POD_NAMESPACE/);
  assert.equal(ipam.allocations.length, 0);
});

test('a requested address is refused with field and value before any allocation, and DEL and CHECK succeed', async () => {
  const pod = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-a';
  const requests: [Who, RegExp][] = [
    [
      { conf: { runtimeConfig: { ips: ['10.6.1.9'] } } },
      /^runtimeConfig\.ips \["10\.6\.1\.9"\] requests particular/,
    ],
    [{ conf: { RuntimeConfig: { IPs: ['10.6.1.9'] } } }, /^runtimeConfig\.ips/],
    [{ conf: { args: { cni: { ips: ['10.6.1.9/16'] } } } }, /^args\.cni\.ips \["10\.6\.1\.9\/16"\] requests/],
    [{ args: `${pod};IP=10.6.1.9,fd00::9` }, /^CNI_ARGS IP "10\.6\.1\.9,fd00::9" requests/],
  ];
  for (const [request, message] of requests) {
    await assert.rejects(plugin.add(call(request)), { code: 'ADDRESS_REQUEST_UNSERVED', message });
    assert.equal(ipam.allocations.length, 0);
    assert.deepEqual(attachments.all(), []);
    await plugin.del(call(request));
  }
  const prevResult = await plugin.add(call());
  for (const [request] of requests) await plugin.check(call({ ...request, prevResult }));
});

test('an empty list, null and a value of unknown shape request no address', async () => {
  const confs = [
    { runtimeConfig: { ips: [], mac: '02:00:00:00:00:01' } },
    { runtimeConfig: null, args: 'x' },
    { runtimeConfig: 'x', args: { cni: [] } },
    { args: { cni: { ips: null } } },
  ];
  for (const conf of confs) await plugin.add(call({ conf }));
  await plugin.add(call({ args: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-a;IP=' }));
});

test('on a full disk ADD reports it and releases its addresses, and DEL needs no room', async () => {
  files.full = true;
  await assert.rejects(plugin.add(call()), { code: 'DISK_FULL', message: /the disk is full: cannot write/ });
  assert.equal(ipam.held.size, 0);
  assert.deepEqual(attachments.all(), []);
  files.full = false;
  await plugin.add(call());
  files.full = true;
  await assert.doesNotReject(
    plugin.add(call()).catch((error: { code: string }) => assert.equal(error.code, 'DISK_FULL')),
  );
  assert.equal(ipam.held.size, 1, 'a repeat that cannot be recorded gives nothing back');
  await plugin.del(call());
  assert.equal(ipam.held.size, 0);
});

test('a refused ADD leaves no record', async () => {
  ipam.failure = new OrbError('IPPOOL_EXHAUSTED', { message: 'full' });
  await assert.rejects(plugin.add(call()), { code: 'IPPOOL_EXHAUSTED' });
  assert.equal(files.files.size, 0);
});

test('a repeated ADD does not probe addresses that are in use by now', async () => {
  await plugin.add(call());
  report = { kind: 'unreachable', gateway: parseAddress('10.6.0.1') };
  await plugin.add(call());
  assert.deepEqual([probes, ipam.held.size], [1, 1]);
});

test('an ADD whose gateway is silent releases the addresses of that NIC and leaves no record', async () => {
  await plugin.add(call());
  report = { kind: 'unreachable', gateway: parseAddress('10.6.0.1') };
  await assert.rejects(plugin.add(call({ interfaceName: 'net1' })), {
    message: 'gateway 10.6.0.1 is unreachable',
  });
  assert.deepEqual([...ipam.held.keys()], ['uid-a eth0']);
  assert.equal(attachments.all().length, 1);
});

test('DEL releases the addresses of the pod that ADD recorded, whatever CNI_ARGS says, also after a restart', async () => {
  await plugin.add(call());
  await startAgent();
  await plugin.del(call({ args: '' }));
  assert.deepEqual(
    ipam.releases.map(({ podUid, nic, held }) => ({ podUid, nic, held })),
    [{ podUid: 'uid-a', nic: undefined, held: [{ address: parseAddress('10.6.1.1'), heldIn: 'v4' }] }],
  );
  assert.deepEqual([ipam.held.size, files.files.size], [0, 0]);
});

test('DEL of one of two NICs releases only its addresses', async () => {
  await plugin.add(call());
  await plugin.add(call({ interfaceName: 'net1' }));
  await plugin.del(call({ interfaceName: 'net1' }));
  assert.deepEqual(
    ipam.releases.map(({ nic }) => nic),
    ['net1'],
  );
  assert.deepEqual([...ipam.held.keys()], ['uid-a eth0']);
});

test('a second DEL releases nothing twice', async () => {
  await plugin.add(call());
  await plugin.del(call());
  await plugin.del(call());
  assert.equal(ipam.held.size, 0);
});

test('DEL without a record releases by the UID of CNI_ARGS, because the agent may have died before it wrote one', async () => {
  await ipam.allocate({ ...request, interfaceName: 'eth0' });
  await plugin.del(call());
  assert.equal(ipam.held.size, 0);
});

for (const [whose, uid] of [
  ['a static pod, whom CNI_ARGS names by the hash of its file', ';K8S_POD_UID=hash-of-file'],
  ['a pod whose UID CNI_ARGS leaves out', ''],
]) {
  test(`the address of ${whose} is released although the agent died between the pool’s write and its record`, async () => {
    const args = `K8S_POD_NAMESPACE=default;K8S_POD_NAME=a${uid}`;
    const allocate = ipam.allocate.bind(ipam);
    const written = Promise.withResolvers<void>();
    ipam.allocate = async (request) => {
      await allocate({ ...request, podUid: 'uid-in-the-cluster' });
      written.resolve();
      // What was awaited when the process died is never answered.
      return new Promise(() => {});
    };
    void plugin.add(call({ args }));
    await written.promise;
    await startAgent();
    await assert.rejects(plugin.check(call({ args, prevResult: {} })), { code: 'CNI_CHECK_FAILED' });
    assert.equal(ipam.held.size, 1);
    await plugin.del(call({ args }));
    assert.deepEqual([ipam.held.size, attachments.all()], [0, []]);
  });
}

test('DEL of a static pod without a record releases its mirror pod’s address, but not that of its next sandbox', async () => {
  const args = 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=hash-of-file';
  ipam.mirrors.set('hash-of-file', 'uid-of-mirror');
  const allocate = ipam.allocate.bind(ipam);
  ipam.allocate = (request) => allocate({ ...request, podUid: 'uid-of-mirror' });
  await plugin.add(call({ args }));
  files.files.clear();
  await startAgent();
  await plugin.add(call({ args, containerId: 'two' }));
  await plugin.del(call({ args }));
  assert.equal(ipam.held.size, 1);
  files.files.clear();
  await startAgent();
  await plugin.del(call({ args, containerId: 'two' }));
  assert.equal(ipam.held.size, 0);
});

test('DEL without a record releases all NICs, because the lost ADD allocated all of them', async () => {
  await ipam.allocate({ ...request, interfaceName: 'eth0' });
  await ipam.allocate({ ...request, interfaceName: 'net1' });
  await plugin.del(call());
  assert.equal(ipam.held.size, 0);
});

test('DEL of the newest sandbox leaves the addresses to the one before it, which may still send with them', async () => {
  for (const containerId of ['one', 'two', 'three'])
    for (const interfaceName of ['eth0', 'net1']) await plugin.add(call({ containerId, interfaceName }));
  const deletions: [sandbox: string, nic: string, held: number][] = [
    ['two', 'eth0', 2],
    ['two', 'net1', 2],
    ['three', 'net1', 2],
    ['three', 'eth0', 2],
    ['three', 'eth0', 2],
    ['one', 'net1', 1],
    ['one', 'eth0', 0],
  ];
  for (const [containerId, interfaceName, held] of deletions) {
    await plugin.del(call({ containerId, interfaceName }));
    await startAgent();
    assert.equal(ipam.held.size, held, `after DEL of ${interfaceName} of ${containerId}`);
  }
  assert.deepEqual(attachments.all(), []);
});

test('an ADD that fails leaves the addresses to an older sandbox', async () => {
  await plugin.add(call({ containerId: 'one' }));
  report = { kind: 'unreachable', gateway: parseAddress('10.6.0.1') };
  await assert.rejects(plugin.add(call({ containerId: 'two' })));
  await plugin.del(call({ containerId: 'two' }));
  assert.equal(ipam.held.size, 1);
  await plugin.del(call({ containerId: 'one' }));
  assert.equal(ipam.held.size, 0);
});

test('DEL without a record leaves the addresses to an older sandbox', async () => {
  await plugin.add(call({ containerId: 'one' }));
  await plugin.add(call({ containerId: 'two' }));
  await plugin.del(call({ containerId: 'two' }));
  await ipam.allocate({ ...request, interfaceName: 'eth0' });
  await plugin.del(call({ containerId: 'three' }));
  assert.equal(ipam.held.size, 1);
  await plugin.del(call({ containerId: 'one' }));
  assert.equal(ipam.held.size, 0);
});

test('a late DEL of an old sandbox’s second NIC leaves it to the new sandbox, which has only its first yet', async () => {
  await plugin.add(call({ containerId: 'one' }));
  await plugin.add(call({ containerId: 'one', interfaceName: 'net1' }));
  await plugin.add(call({ containerId: 'two' }));
  await plugin.del(call({ containerId: 'one', interfaceName: 'net1' }));
  assert.deepEqual([...ipam.held.keys()].sort(), ['uid-a eth0', 'uid-a net1']);
});

test('DEL without a record and without UID releases nothing, because another pod may have the name now', async () => {
  await plugin.del(call({ args: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a' }));
  assert.equal(ipam.releases.length, 0);
});

test('a late DEL of an old sandbox releases nothing of the new one', async () => {
  await plugin.add(call({ containerId: 'old' }));
  await plugin.add(call({ containerId: 'new' }));
  await plugin.del(call({ containerId: 'old' }));
  await plugin.del(call({ containerId: 'old' }));
  assert.deepEqual([...ipam.held.keys()], ['uid-a eth0']);
  await plugin.del(call({ containerId: 'new' }));
  assert.equal(ipam.held.size, 0);
});

test('a late DEL of an old sandbox releases nothing of the new one, although the agent died before it recorded which is newer', async () => {
  await plugin.add(call());
  attachments.supersede = async () => [];
  await plugin.add(call({ containerId: 'two' }));
  await startAgent();
  await plugin.del(call());
  assert.equal(ipam.held.size, 1);
  await plugin.del(call({ containerId: 'two' }));
  assert.deepEqual([ipam.held.size, attachments.all()], [0, []]);
});

test('a DEL that could not release keeps its record for the next DEL', async () => {
  await plugin.add(call());
  ipam.failure = new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  await assert.rejects(plugin.del(call()), { code: 'KUBE_UNREACHABLE' });
  assert.equal(files.files.size, 1);
  ipam.failure = undefined;
  await plugin.del(call());
  assert.deepEqual([ipam.held.size, files.files.size], [0, 0]);
});

test('CHECK requires the address in prevResult and in the pool', async () => {
  const prevResult = await plugin.add(call());
  await plugin.check(call({ prevResult }));
  await assert.rejects(plugin.check(call()), /prevResult is missing/);
  await assert.rejects(
    plugin.check(call({ prevResult: { ips: [] } })),
    /10\.6\.1\.1\/16 .* not in prevResult/,
  );
  ipam.held.clear();
  await assert.rejects(plugin.check(call({ prevResult })), /address 10\.6\.1\.1 .* not held .* IPPool v4/);
  await assert.rejects(plugin.check(call({ containerId: 'other', prevResult })), /no addresses are recorded/);
});

test('GC releases unlisted attachments of this network only, and continues after a failure', async () => {
  const args = (name: string) => `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=uid-${name}`;
  for (const name of ['kept', 'stale']) await plugin.add(call({ containerId: name, args: args(name) }));
  await plugin.add(call({ containerId: 'else', args: args('else'), conf: { name: 'other' } }));
  const valid = { 'cni.dev/valid-attachments': [{ containerID: 'kept', ifname: 'eth0' }] };
  await plugin.gc(call({ conf: valid }));
  assert.deepEqual([...ipam.held.keys()], ['uid-kept eth0', 'uid-else eth0']);
  ipam.failure = new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  await assert.rejects(plugin.gc(call({ conf: { 'cni.dev/valid-attachments': [] } })), {
    code: 'GC_INCOMPLETE',
    message: /1 attachments of network net .*away/,
  });
});

for (const sandboxes of [
  ['a', 'b'],
  ['a', 'b', 'a'],
]) {
  test(`GC of all sandboxes of a pod releases its addresses, after ADDs of ${sandboxes.join(', ')}`, async () => {
    for (const containerId of sandboxes) await plugin.add(call({ containerId }));
    await plugin.gc(call({ conf: { 'cni.dev/valid-attachments': [] } }));
    assert.deepEqual([ipam.held.size, attachments.all()], [0, []]);
  });
}

const request = {
  containerId: 'one',
  podNamespace: 'default',
  podName: 'a',
  podUid: 'uid-a',
  conf: { name: 'net', type: 'macvlan' },
  requested: {},
  requestedMacs: {},
  parentNetworks: async () => [],
  signal: new AbortController().signal,
  log: silentLogger,
};
