// For tests of `host-device-plus`: a node with spare NICs and a pod in real namespaces, and an agent's plugin that can
// die at any step.

import { type CniResult, parseCniEnvironment, parseNetConf } from '#api';
import { OrbError, silentLogger } from '#base';
import { openGivenNamespace, openNamespace } from '#kernel';
import type { Link, NetworkNamespace } from '#net';
import { Attachments, linkArrives, MemoryStateFiles } from '#node';
import { ip } from '../../../test/fixtures/ip-command.ts';
import type { NetnsCall } from '../plugin.ts';
import { quietDetection } from '../testing/fake-detection.ts';
import { FakeIpam } from '../testing/fake-ipam.ts';
import { dying, mortal } from '../testing/mortal-agent.ts';
import type { CloudNics } from './cloud-nics.ts';
import { HostDevicePlugin } from './host-device-plugin.ts';
import { hostDevicePart } from './host-device-record.ts';

export const CONTAINER = '0123456789abcdef';
export const ADDRESSES = { type: 'spiderpool' };

/** eth0 has the default route. spare1 and spare2 are free, and lead to the node itself. */
export class SpareSite implements Disposable {
  readonly node: string;
  readonly pod: string;
  readonly ipam = new FakeIpam();
  readonly #files = new MemoryStateFiles();
  readonly #namespace: NetworkNamespace;
  plugin!: HostDevicePlugin;
  attachments!: Attachments;
  /** NICs that sysfs would show, by folder. */
  readonly sysfs = new Map<string, string[]>();
  readonly #cloudNics: CloudNics;

  constructor(cloudNics?: CloudNics) {
    this.#cloudNics = cloudNics ?? noCloud;
    this.node = `owpt${process.pid}-node`;
    this.pod = `owpt${process.pid}-pod`;
    ip('netns', 'add', this.node);
    this.addPod();
    for (const name of ['eth0', 'spare1', 'spare2']) this.addNic(name);
    this.ip('address', 'add', '10.6.212.101/16', 'dev', 'eth0');
    this.ip('link', 'set', 'eth0', 'up');
    this.ip('link', 'set', 'eth0-far', 'up');
    this.ip('route', 'add', 'default', 'via', '10.6.0.1');
    this.#namespace = openNamespace(`/run/netns/${this.node}`);
  }

  addPod(): void {
    ip('netns', 'add', this.pod);
    ip('-n', this.pod, 'link', 'set', 'lo', 'up');
  }

  addNic(name: string, ...more: string[]): void {
    this.ip('link', 'add', name, ...more, 'type', 'veth', 'peer', 'name', `${name}-far`);
  }

  get netns(): string {
    return `/run/netns/${this.pod}`;
  }

  ip(...words: string[]): string {
    return ip('-n', this.node, ...words);
  }

  /** The name, MAC address, alias and state of a link; undefined if there is none. */
  link(name: string, where = this.node): Link | undefined {
    const namespace = openNamespace(`/run/netns/${where}`);
    try {
      return namespace.link(name);
    } finally {
      namespace.close();
    }
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
    this.attachments = await Attachments.open(dying(this.#files, step), silentLogger, [hostDevicePart]);
    this.plugin = new HostDevicePlugin({
      sources: new Map([['spiderpool', this.ipam]]),
      attachments: this.attachments,
      openNamespace: async (path) => mortal(await openGivenNamespace(path), step),
      parentNetworks: () => [],
      detection: quietDetection,
      notReady: () => undefined,
      timestamp: () => '2030-01-01T00:00:00.000Z',
      node: mortal(this.#namespace, step),
      deviceNics: (path) => this.sysfs.get(path) ?? [],
      linkArrives: (isIt, signal) => linkArrives(this.#namespace, isIt, signal),
      cloudNics: this.#cloudNics,
    });
    return this;
  }

  call(conf: object, prevResult?: CniResult, interfaceName = 'eth0'): NetnsCall {
    const environment = parseCniEnvironment({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: CONTAINER,
      CNI_IFNAME: interfaceName,
      CNI_NETNS: this.netns,
      CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-a',
    }) as NetnsCall['environment'];
    const stdin = { cniVersion: '1.1.0', name: 'net', type: 'host-device-plus', prevResult, ...conf };
    const signal = new AbortController().signal;
    return {
      ...{ conf: parseNetConf(JSON.stringify(stdin)), environment, netns: this.netns, signal },
      log: silentLogger,
    };
  }

  [Symbol.dispose](): void {
    this.#namespace.close();
    for (const name of [this.node, this.pod]) ip('netns', 'del', name);
  }
}

const noCloud: CloudNics = {
  take: () => Promise.reject(new Error('there is no cloud')),
  release: async () => {},
  verify: async () => {},
};
