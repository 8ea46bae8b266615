// For tests of `eni-vlan`: a node with a NIC on a trunk, a router on the other end of it, pods in real namespaces, a source
// of addresses that chooses VLANs as a cloud does, and an agent's plugin that can die at any step.

import { type CniResult, parseCniEnvironment, parseNetConf } from '#api';
import { OrbError, silentLogger } from '#base';
import { parseAddress, parseCidr } from '#ip';
import { namespacePaths, openGivenNamespace, openNamespace } from '#kernel';
import type { Link, NetworkNamespace } from '#net';
import { Attachments, ipamPart, MemoryStateFiles } from '#node';
import { ip } from '../../../test/fixtures/ip-command.ts';
import type { Detection } from '../detection.ts';
import type { Allocation, AllocationRequest } from '../ipam/index.ts';
import type { NetnsCall } from '../plugin.ts';
import { quietDetection } from '../testing/fake-detection.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import { dying, mortal } from '../testing/mortal-agent.ts';
import { EniVlanPlugin } from './eni-vlan-plugin.ts';
import { eniVlanPart } from './eni-vlan-record.ts';

/** A pod `x` of this map gets an address of 10.VLAN.0.0/24 and a MAC address of its own. */
export const vlans: Readonly<Record<string, number>> = { a: 101, b: 102 };

export const macOf = (vlan: number) => `0a:00:00:00:00:${vlan.toString(16)}`;

class Provider extends FakeIpam {
  /** VLANs by pod. Undefined for a pod: none is demanded. */
  chosen: Readonly<Record<string, number | undefined>> = vlans;

  override async allocate(request: AllocationRequest): Promise<Allocation> {
    const allocation = await super.allocate(request);
    const vlan = this.chosen[request.podName];
    if (vlan === undefined) return allocation;
    const nic = request.interfaceName;
    const gateway = parseAddress(`10.${vlan}.0.1`);
    return {
      ...allocation,
      addresses: [{ nic, address: parseCidr(`10.${vlan}.0.9/24`), gateway, heldIn: 'v4' }],
      routes: [{ nic, destination: parseCidr('0.0.0.0/0'), gateway }],
      link: { vlan, mac: macOf(vlan) },
    };
  }
}

export class TrunkSite implements Disposable {
  readonly node = `owev${process.pid}-node`;
  readonly router = `owev${process.pid}-router`;
  readonly ipam = new Provider();
  readonly #pods = new Set<string>();
  readonly #files = new MemoryStateFiles();
  readonly #namespace: NetworkNamespace;
  plugin!: EniVlanPlugin;
  attachments!: Attachments;
  detection: Detection = quietDetection;
  notReady: string | undefined;

  /** eth1 of the node leads to the router, which has both VLANs. */
  constructor() {
    for (const name of [this.node, this.router]) ip('netns', 'add', name);
    ip('-n', this.node, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'trunk', 'netns', this.router);
    ip('-n', this.node, 'link', 'set', 'eth1', 'up');
    ip('-n', this.router, 'link', 'set', 'trunk', 'up');
    for (const vlan of Object.values(vlans)) {
      const name = `trunk.${vlan}`;
      ip('-n', this.router, 'link', 'add', 'link', 'trunk', 'name', name, 'type', 'vlan', 'id', `${vlan}`);
      ip('-n', this.router, 'address', 'add', `10.${vlan}.0.1/24`, 'dev', name);
      ip('-n', this.router, 'link', 'set', name, 'up');
    }
    ip('netns', 'exec', this.router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    this.#namespace = openNamespace(`/run/netns/${this.node}`);
  }

  #podName(pod: string): string {
    return `owev${process.pid}-pod-${pod}`;
  }

  /** The path of the namespace, which is made if there is none. */
  netns(pod: string): string {
    const name = this.#podName(pod);
    if (!this.#pods.has(pod)) ip('netns', 'add', name);
    this.#pods.add(pod);
    return `/run/netns/${name}`;
  }

  dropPod(pod: string): void {
    this.#pods.delete(pod);
    ip('netns', 'del', this.#podName(pod));
  }

  inPod(pod: string, ...words: string[]): string {
    return ip('-n', this.#podName(pod), ...words);
  }

  onNode(...words: string[]): string {
    return ip('-n', this.node, ...words);
  }

  ping(pod: string, address: string): string {
    return ip('netns', 'exec', this.#podName(pod), 'ping', '-c1', '-W10', address);
  }

  links(pod: string): Link[] {
    const namespace = openNamespace(this.netns(pod));
    try {
      return namespace.links().filter(({ loopback }) => !loopback);
    } finally {
      namespace.close();
    }
  }

  /** What is left of all pods: links in their namespaces, records, addresses. */
  left(): readonly unknown[] {
    return [
      [...this.#pods].flatMap((pod) => this.links(pod).map(({ name }) => name)),
      this.attachments.all(),
      [...this.ipam.held.keys()],
    ];
  }

  /**
   * Starts the agent on what is on the disk. With `steps`, it dies instead of the next step: every write of a file and
   * every change of the kernel is one.
   */
  async start(steps = Number.POSITIVE_INFINITY): Promise<this> {
    let left = steps;
    const step = () => {
      if (left-- <= 0) throw new OrbError('INTERNAL', { message: 'the agent has died' });
    };
    const parts = [ipamPart, eniVlanPart];
    this.attachments = await Attachments.open(dying(this.#files, step), silentLogger, parts);
    this.plugin = new EniVlanPlugin({
      sources: new Map([['spiderpool', this.ipam]]),
      attachments: this.attachments,
      openNamespace: async (path) => mortal(await openGivenNamespace(path), step),
      parentNetworks: () => [],
      namespacePaths,
      detection: this.detection,
      notReady: () => this.notReady,
      timestamp: () => '2030-01-01T00:00:00.000Z',
      node: mortal(this.#namespace, step),
    });
    return this;
  }

  call(pod: string, conf: object = {}, prevResult?: CniResult): NetnsCall {
    const netns = this.netns(pod);
    const environment = parseCniEnvironment({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: `container-${pod}`,
      CNI_IFNAME: 'eth0',
      CNI_NETNS: netns,
      CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};K8S_POD_UID=uid-${pod}`,
    }) as NetnsCall['environment'];
    const given = {
      ...{ cniVersion: '1.1.0', name: 'net', type: 'eni-vlan', master: 'eth1', vlanMode: 'auto' },
      ...{ ipam: { type: 'spiderpool' }, prevResult, ...conf },
    };
    const signal = new AbortController().signal;
    return { conf: parseNetConf(JSON.stringify(given)), environment, netns, signal, log: silentLogger };
  }

  [Symbol.dispose](): void {
    this.#namespace.close();
    for (const pod of [...this.#pods]) this.dropPod(pod);
    for (const name of [this.node, this.router]) ip('netns', 'del', name);
  }
}
