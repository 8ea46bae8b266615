// For root tests of the coordinator: a node with its agent's plugin, and a pod, in real namespaces. NICs are added and
// removed as Multus does it.

import { type CniResult, type Pod, parseCniEnvironment, parseNetConf, type SpiderCoordinator } from '#api';
import { silentLogger } from '#base';
import { parseAddress } from '#ip';
import { openGivenNamespace, openNamespace } from '#kernel';
import type { NetworkNamespace } from '#net';
import { Attachments, MemoryStateFiles } from '#node';
import type { Detection } from '../detection.ts';
import type { NetnsCall } from '../plugin.ts';
import { quietDetection } from '../testing/fake-detection.ts';
import { type CoordinatorParts, CoordinatorPlugin } from './coordinator.ts';
import { ip, NODE, RoutedLan } from './routed-lan-fixture.ts';

export const containerId = '0123456789abcdef';
export const veth = 'veth0123456789a';
export const cali = 'cali12345678901';
export const ETH0 = { 4: '10.6.168.172', 6: 'fd00:10:6::172' } as const;
export const NET1 = { 4: '10.7.168.173', 6: 'fd00:10:7::173' } as const;
export const CALICO = '10.233.105.154';
export const CALICO6 = 'fd00:ca::154';
const hijacks = {
  overlayPodCIDR: ['10.233.64.0/18'],
  serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'],
};

export class Site implements Disposable {
  readonly lan = new RoutedLan();
  readonly node: NetworkNamespace;
  plugin!: CoordinatorPlugin;
  attachments!: Attachments;
  /** Annotations of the pod. */
  annotations: Record<string, string> = {};
  readonly #files = new MemoryStateFiles();
  readonly #nics = new Map<string, string[]>();
  #asked = 0;

  readonly #detection: Detection;

  constructor(detection: Detection = quietDetection) {
    this.#detection = detection;
    this.node = openNamespace(this.lan.path(this.lan.node));
  }

  /** Starts as after a restart of the agent: everything known is on the disk. */
  async start(): Promise<this> {
    this.attachments = await Attachments.open(this.#files, silentLogger);
    const parts = {
      attachments: this.attachments,
      detection: this.#detection,
      node: this.node,
      openNamespace: openGivenNamespace,
      pod: async () =>
        ({
          metadata: { namespace: 'default', name: 'a', uid: 'uid-a', annotations: this.annotations },
        }) as Pod,
      spiderCoordinator: () =>
        ({ metadata: { name: 'default' }, status: { phase: 'Synced' } }) as SpiderCoordinator,
      nodeAddresses: () => [parseAddress(NODE[4]), parseAddress(NODE[6])],
      notReady: () => undefined,
      timestamp: () => new Date(1_900_000_000_000 + this.#asked++).toISOString(),
    };
    this.plugin = new CoordinatorPlugin(parts as unknown as CoordinatorParts);
    return this;
  }

  /** Adds eth0 on one LAN and net1 on the other, each with the coordinator chained after it. */
  async addUnderlay(families: readonly (4 | 6)[], netConf = {}): Promise<void> {
    await this.addNic('eth0', 6, families, ETH0);
    await this.addNic('net1', 7, families, NET1, netConf);
  }

  async addNic(
    name: string,
    lan: 6 | 7,
    families: readonly (4 | 6)[],
    addresses: Readonly<Record<4 | 6, string>>,
    netConf = {},
  ): Promise<void> {
    const cidrs = families.map((family) => `${addresses[family]}/${family === 4 ? 16 : 64}`);
    const gateways = families.map((family) => (family === 4 ? `10.${lan}.0.1` : `fd00:10:${lan}::1`));
    this.plug(name, lan, cidrs, gateways);
    await this.add(name, netConf);
  }

  /** Adds the NIC alone, without the coordinator. */
  plug(name: string, lan: 6 | 7, cidrs: readonly string[], gateways: readonly string[]): void {
    this.lan.addMacvlan(name, lan === 6 ? 'eth0' : 'eth1', cidrs, gateways);
    this.#nics.set(name, [...cidrs]);
  }

  async add(name: string, netConf = {}) {
    return this.plugin.add(this.call(name, netConf));
  }

  async del(name: string): Promise<void> {
    await this.plugin.del(this.call(name));
  }

  /** Removes a NIC as Multus does when its annotation is removed: the coordinator's DEL first, then the NIC. */
  async unplug(name: string): Promise<void> {
    await this.del(name);
    ip('-n', this.lan.pod, 'link', 'del', name);
  }

  call(name: string, netConf = {}): NetnsCall {
    const netns = this.lan.path(this.lan.pod);
    const ips = (this.#nics.get(name) ?? []).map((address) => ({ address, interface: 0 }));
    return this.callAfter(name, { interfaces: [{ name, mac: '', sandbox: netns }], ips }, netConf);
  }

  /** The call with the result of another plugin. */
  callAfter(name: string, prevResult: CniResult, netConf = {}): NetnsCall {
    const netns = this.lan.path(this.lan.pod);
    const conf = {
      cniVersion: '1.1.0',
      name: 'net',
      type: 'coordinator',
      ...hijacks,
      ...netConf,
      prevResult,
    };
    const environment = parseCniEnvironment({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: containerId,
      CNI_IFNAME: name,
      CNI_NETNS: netns,
      CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a',
    }) as NetnsCall['environment'];
    const parsed = parseNetConf(JSON.stringify(conf));
    return { conf: parsed, environment, netns, signal: new AbortController().signal, log: silentLogger };
  }

  /**
   * All rules, routes and neighbours of both namespaces, except what the kernel adds by itself when a link has settled.
   */
  everything(): string[][] {
    return (['pod', 'node'] as const).flatMap((where) =>
      [
        'rule',
        '-6 rule',
        'route show table all',
        '-6 route show table all',
        'neighbour show nud permanent',
      ].map((line) => this.lan.show(where, line).filter((text) => !/fe80|^multicast /.test(text))),
    );
  }

  [Symbol.dispose](): void {
    this.node.close();
    this.lan[Symbol.dispose]();
  }
}
