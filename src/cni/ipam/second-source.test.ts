// A second source of addresses, as another CNI type would bring it. The plugin, detection, CHECK and GC are the same.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { type CniResult, type NetConf, parseCniEnvironment, parseNetConf } from '#api';
import { OrbError, silentLogger } from '#base';
import { parseAddress, parseCidr } from '#ip';
import { FakeNamespace } from '#net/testing';
import { Attachments, MemoryStateFiles, type ProbeReport } from '#node';
import { CoordinatorPlugin } from '../coordinator/index.ts';
import type { Detection } from '../detection.ts';
import type { NetnsCall } from '../plugin.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import {
  type AddressWish,
  type Allocation,
  type AllocationRequest,
  type HoldingRequest,
  type Ipam,
  notHeldError,
  type ReleaseRequest,
} from './ipam.ts';
import { IpamPlugin } from './ipam-plugin.ts';

/** The address of each NIC. */
const fixed: Readonly<Record<string, string>> = {
  eth0: '192.0.2.10/24',
  net1: '192.0.2.11/24',
  gone0: '192.0.2.12/24',
};
const mac = 'fa:16:3e:00:00:10';

/** One port for each pod and NIC, as OpenStack has. The address is fixed, and so is the link address of the NIC. */
class PortSource implements Ipam {
  /** Ports by name: `<pod UID> <NIC>`. */
  readonly ports = new Map<string, string>();
  readonly steps: string[] = [];
  unreadyReason: string | undefined;

  vlan: number | undefined;

  async unready(): Promise<string | undefined> {
    return this.unreadyReason;
  }

  validate({ conf, requested }: AddressWish): void {
    const { network } = conf.ipam as { readonly network?: string };
    if (network === undefined) throw new OrbError('INPUT_INVALID', { message: 'ipam.network is missing' });
    this.steps.push(`requested ${JSON.stringify(requested)}`);
  }

  async allocate({ podUid, interfaceName: nic, intend }: AllocationRequest): Promise<Allocation> {
    const uid = podUid ?? 'uid of the cluster';
    await intend?.(uid);
    this.steps.push(`create ${uid} ${nic}`);
    const address = fixed[nic] ?? '';
    this.ports.set(`${uid} ${nic}`, address);
    const gateway = parseAddress('192.0.2.1');
    return {
      podUid: uid,
      fixed: true,
      addresses: [{ nic, address: parseCidr(address), gateway, heldIn: `port of ${nic}` }],
      routes: [{ nic, destination: parseCidr('198.51.100.0/24'), gateway }],
      link: { mac, mtuBytes: 1442, ...(this.vlan !== undefined && { vlan: this.vlan }) },
      dns: { nameservers: ['192.0.2.2'] },
    };
  }

  async release({ podUid, nic, held }: ReleaseRequest): Promise<void> {
    this.steps.push(`release ${nic ?? 'all'} ${held.map(({ heldIn }) => heldIn).join()}`);
    for (const port of this.ports.keys()) {
      if (nic === undefined ? port.startsWith(`${podUid} `) : port === `${podUid} ${nic}`)
        this.ports.delete(port);
    }
  }

  async quarantine({ addresses }: HoldingRequest): Promise<void> {
    this.steps.push(`quarantine ${addresses.map(({ heldIn }) => heldIn).join()}`);
  }

  async ownerUid({ uid }: { readonly uid: string }): Promise<string> {
    return uid;
  }

  async verify({ podUid, nic, addresses: [first] }: HoldingRequest): Promise<void> {
    if (first === undefined || this.ports.has(`${podUid} ${nic}`)) return;
    throw notHeldError(nic, first.address, `Neutron: ${first.heldIn}`);
  }
}

let source: PortSource;
let other: FakeIpam;
let files: MemoryStateFiles;
let attachments: Attachments;
let plugin: IpamPlugin;
let pod: FakeNamespace;
let report: ProbeReport;
let notReady: string | undefined;
let probedFrom: (string | undefined)[];

beforeEach(async () => {
  source = new PortSource();
  other = new FakeIpam();
  report = { kind: 'free' };
  notReady = undefined;
  probedFrom = [];
  files = new MemoryStateFiles();
  pod = new FakeNamespace({});
  pod.change([{ verb: 'create', kind: 'link', link: { name: 'eth0', type: { kind: 'dummy' } } }]);
  pod.change([{ verb: 'create', kind: 'link', link: { name: 'net1', type: { kind: 'dummy' } } }]);
  await startAgent();
});

const detection: Detection = {
  conflict: true,
  gateway: false,
  deadlineMs: 300,
  probe: async ({ nic }) => {
    probedFrom.push(pod.link(nic)?.mac);
    return report;
  },
  conflicted: ({ outcome }) => source.steps.push(`conflict: ${outcome}`),
  announce: async () => {},
};

function parts() {
  return {
    sources: new Map<string, Ipam>([
      ['spiderpool', other],
      ['ports', source],
    ]),
    attachments,
    openNamespace: async () => pod,
    parentNetworks: () => [],
    detection,
    notReady: () => notReady,
    timestamp: () => '2030-01-01T00:00:00.000Z',
  };
}

/** The plugin of an agent that has just started with what is on the disk. */
async function startAgent(): Promise<void> {
  attachments = await Attachments.open(files, silentLogger);
  plugin = new IpamPlugin('ports', parts());
}

const args = 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-a';
const ipam = { type: 'ports', network: 'n1' };

function call(more: Partial<NetConf> & { readonly mode?: string } = {}, variables: object = {}): NetnsCall {
  const environment = parseCniEnvironment({
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'one',
    CNI_IFNAME: 'eth0',
    CNI_NETNS: '/run/netns/pod',
    CNI_ARGS: args,
    ...variables,
  }) as NetnsCall['environment'];
  const conf = parseNetConf(
    JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'macvlan', ipam, ...more }),
  );
  return {
    conf,
    environment,
    netns: '/run/netns/pod',
    signal: new AbortController().signal,
    log: silentLogger,
  };
}

test('a second source reads its own options, and decides itself about requested addresses', async () => {
  await assert.rejects(plugin.add(call({ ipam: { type: 'ports' } })), { message: 'ipam.network is missing' });
  assert.deepEqual(source.steps, []);
  await plugin.add(call({ runtimeConfig: { ips: ['192.0.2.10'] } }));
  assert.equal(source.steps[0], 'requested {"runtimeConfig.ips":["192.0.2.10"]}');
});

test('its result has addresses, gateway, routes and DNS, and the link has its MAC address and MTU before a probe', async () => {
  assert.deepEqual(await plugin.add(call()), {
    ips: [{ address: '192.0.2.10/24', gateway: '192.0.2.1' }],
    routes: [{ dst: '198.51.100.0/24', gw: '192.0.2.1' }],
    dns: { nameservers: ['192.0.2.2'] },
  });
  assert.deepEqual([pod.link('eth0')?.mac, pod.link('eth0')?.mtuBytes], [mac, 1442]);
  assert.deepEqual(probedFrom, [mac]);
});

test('a VLAN that the main plugin does not make fails the ADD, and the port is released', async () => {
  source.vlan = 2014;
  await assert.rejects(plugin.add(call()), {
    code: 'INPUT_INVALID',
    message: /demands VLAN 2014 for interface eth0, and type "[a-z]+" does not make it: use type "eni-vlan"/,
  });
  assert.deepEqual([[...source.ports], attachments.all()], [[], []]);
  await plugin.add(call({ vlanId: 2014 } as object));
  assert.equal(pod.link('eth0')?.mac, mac);
});

test('a link that cannot have the MAC address fails the ADD, and the port is released', async () => {
  await assert.rejects(plugin.add(call({}, { CNI_IFNAME: 'gone0' })), { code: 'KERNEL_REFUSED' });
  assert.deepEqual([[...source.ports], attachments.all()], [[], []]);
});

test('the owner is on the disk before a port is created, where CNI_ARGS does not name it', async () => {
  source.allocate = async ({ intend }) => {
    await intend?.('uid of the cluster');
    throw new OrbError('KUBE_UNREACHABLE', { message: 'away' });
  };
  const unnamed = { CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a' };
  await assert.rejects(plugin.add(call({}, unnamed)), { code: 'KUBE_UNREACHABLE' });
  await startAgent();
  assert.equal(attachments.all()[0]?.pod?.uid, 'uid of the cluster');
});

/** Makes the source write its address to the disk before it takes it, as for a server that does not know owners. */
function planFirst(): void {
  const allocate = source.allocate.bind(source);
  source.allocate = async (request) => {
    const nic = request.interfaceName;
    const planned = { nic, address: parseCidr(fixed[nic] ?? ''), heldIn: `port of ${nic}` };
    await request.intend?.('uid-a', [planned]);
    return allocate(request);
  };
}

test('the planned address is on the disk before it is taken: the DEL after a crash names it', async () => {
  planFirst();
  const planned = Promise.withResolvers<void>();
  const put = attachments.put.bind(attachments);
  attachments.put = async (record) => {
    await put(record);
    planned.resolve();
    // The process dies: what was awaited is never answered.
    return new Promise(() => {});
  };
  void plugin.add(call());
  await planned.promise;
  assert.equal(source.ports.size, 0);
  source.ports.set('uid-a eth0', '192.0.2.10/24');
  await startAgent();
  await plugin.del(call({}, { CNI_ARGS: '' }));
  assert.deepEqual(source.steps.at(-1), 'release all port of eth0');
  assert.deepEqual([source.ports.size, files.files.size], [0, 0]);
});

test('a failed ADD releases the planned address once: another pod may have it at the DEL', async () => {
  planFirst();
  report = { kind: 'unreachable', gateway: parseAddress('192.0.2.1') };
  await assert.rejects(plugin.add(call()), { code: 'GATEWAY_UNREACHABLE' });
  assert.deepEqual(source.steps.at(-1), 'release all port of eth0');
  assert.deepEqual([source.ports.size, attachments.all(), files.files.size], [0, [], 0]);
});

test('DEL of a later agent releases by owner and names the port; DEL twice is no error', async () => {
  await plugin.add(call());
  await plugin.add(call({}, { CNI_IFNAME: 'net1' }));
  await startAgent();
  await plugin.del(call({}, { CNI_ARGS: '' }));
  assert.deepEqual([...source.ports.keys()], ['uid-a net1']);
  await plugin.del(call({}, { CNI_IFNAME: 'net1' }));
  await plugin.del(call({}, { CNI_IFNAME: 'net1' }));
  assert.deepEqual(source.steps.slice(-3), [
    'release eth0 port of eth0',
    'release all port of net1',
    'release all ',
  ]);
  assert.deepEqual([source.ports.size, files.files.size, other.releases], [0, 0, []]);
});

test('CHECK fails in the words of the source for a port that is gone', async () => {
  const prevResult: CniResult = await plugin.add(call());
  await plugin.check(call({ prevResult }));
  source.ports.clear();
  await assert.rejects(plugin.check(call({ prevResult })), {
    code: 'CNI_CHECK_FAILED',
    message:
      'address 192.0.2.10 of interface eth0 is not held for this pod in Neutron: port of eth0 any more',
  });
});

test('GC after the network got another type releases at the source that gave the address', async () => {
  await plugin.add(call());
  const later = new IpamPlugin('spiderpool', parts());
  await later.gc(call({ ipam: { type: 'spiderpool' }, 'cni.dev/valid-attachments': [] }));
  assert.deepEqual([source.ports.size, attachments.all(), other.releases], [0, [], []]);
});

test('one NIC of a pod may have another source: each source releases only its own', async () => {
  await plugin.add(call());
  const spiderpool = new IpamPlugin('spiderpool', parts());
  const second = [{ ipam: { type: 'spiderpool' } }, { CNI_IFNAME: 'net1' }] as const;
  await spiderpool.add(call(...second));
  await plugin.del(call());
  assert.deepEqual(source.steps.at(-1), 'release all port of eth0');
  assert.deepEqual([...other.held.keys()], ['uid-a net1']);
  await spiderpool.del(call(...second));
  assert.equal(other.held.size, 0);
});

test('a record of a source that this agent does not serve is kept, and its DEL says so', async () => {
  await plugin.add(call());
  const without = new IpamPlugin('spiderpool', { ...parts(), sources: new Map([['spiderpool', other]]) });
  await assert.rejects(without.del(call()), { code: 'CNI_TYPE_UNKNOWN', message: /type "ports"/ });
  assert.deepEqual([attachments.all().length, other.releases], [1, []]);
});

test('STATUS fails while the agent or the source cannot serve new pods', async () => {
  await plugin.status();
  source.unreadyReason = 'no address is ready';
  await assert.rejects(plugin.status(), { code: 'AGENT_NOT_READY', message: 'no address is ready' });
  notReady = 'the cluster is not known yet';
  await assert.rejects(plugin.status(), { code: 'AGENT_NOT_READY', message: notReady });
});

test('a fixed address that another machine uses stays with the pod, before and after the main plugin', async () => {
  report = { kind: 'conflict', address: parseAddress('192.0.2.10'), mac: '0a:00:00:00:00:99' };
  await assert.rejects(plugin.add(call()), { code: 'ADDRESS_CONFLICT' });
  assert.deepEqual(source.steps.slice(-2), ['conflict: kept', 'release all ']);
});

test('the coordinator, which finds a conflict after the main plugin, quarantines at the source that gave the address', async () => {
  const allocate = source.allocate.bind(source);
  source.allocate = async (request) => ({ ...(await allocate(request)), fixed: false });
  report = { kind: 'absent' };
  const { ips = [] } = await plugin.add(call());
  report = { kind: 'conflict', address: parseAddress('192.0.2.10'), mac: '0a:00:00:00:00:99' };
  const coordinator = new CoordinatorPlugin({
    ...parts(),
    node: new FakeNamespace({}),
    pod: async () => ({ metadata: { name: 'a', namespace: 'default', uid: 'uid-a' } }),
    spiderCoordinator: () => ({ status: { phase: 'Synced' }, metadata: { name: 'default' } }),
    nodeAddresses: () => [parseAddress('192.0.2.100')],
  });
  const interfaces = [{ name: 'eth0', mac, sandbox: '/run/netns/pod' }];
  const prevResult = { interfaces, ips: ips.map((one) => ({ ...one, interface: 0 })) };
  await assert.rejects(coordinator.add(call({ type: 'coordinator', prevResult, mode: 'underlay' })), {
    code: 'ADDRESS_CONFLICT',
  });
  assert.deepEqual(source.steps.slice(-2), ['conflict: quarantined', 'quarantine port of eth0']);
  assert.deepEqual(other.quarantined, []);
});
