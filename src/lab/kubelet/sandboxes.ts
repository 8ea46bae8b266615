// Making and removing pod sandboxes: a network namespace, and its attachments by CNI.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CniResult, Pod } from '#api';
import { createNetns, openNamespace, removeNetns } from '#kernel';
import type { NetworkNamespace } from '#net';
import type { Attachment } from './attachment.ts';
import type { Chain, ValidAttachment } from './chain.ts';
import type { PodNetwork } from './pod-networks.ts';
import type { Sandbox, SandboxStore } from './sandbox-store.ts';

/** A pod's network and what it got from it. */
export interface AttachedNetwork {
  readonly network: PodNetwork;
  readonly result: CniResult;
}

export class Sandboxes {
  readonly store: SandboxStore;
  readonly #chain: Chain;
  readonly #netnsFolder: string;

  constructor(store: SandboxStore, chain: Chain, netnsFolder: string) {
    this.store = store;
    this.#chain = chain;
    this.#netnsFolder = netnsFolder;
  }

  /** A sandbox for the pod, with nothing in it but lo. */
  async create(pod: Pod): Promise<Sandbox> {
    const { namespace = '', name = '', uid = '' } = pod.metadata;
    const containerId = randomBytes(32).toString('hex');
    const netns = join(this.#netnsFolder, containerId);
    const sandbox = { containerId, netns, pod: { namespace, name, uid }, ready: false, networks: [] };
    await this.store.put(sandbox);
    createNetns(netns).close();
    const namespaceHandle = openNamespace(netns);
    try {
      namespaceHandle.change([{ verb: 'set', kind: 'link', link: { name: 'lo', up: true } }]);
      inheritSysctls(namespaceHandle);
    } finally {
      namespaceHandle.close();
    }
    return sandbox;
  }

  /** Attaches a sandbox to the networks in order; each is on disk before its ADD, so that DEL finds it. */
  async attach(sandbox: Sandbox, networks: readonly PodNetwork[]): Promise<Sandbox> {
    let current = sandbox;
    for (const network of networks) {
      current = { ...current, networks: [...current.networks, network] };
      await this.store.put(current);
      await this.#chain.add(network.list, attachmentOf(current, network));
    }
    current = { ...current, ready: true };
    await this.store.put(current);
    return current;
  }

  /** What the networks of a sandbox gave, from the cache. */
  attached(sandbox: Sandbox): Promise<AttachedNetwork[]> {
    return Promise.all(
      sandbox.networks.map(async (network) => {
        const result = await this.#chain.result(network.list, attachmentOf(sandbox, network));
        return { network, result: result ?? {} };
      }),
    );
  }

  /** Undoes a sandbox: DEL in reverse order, then the namespace. What an error leaves undone is tried by the next call. */
  async remove({ containerId }: Sandbox): Promise<void> {
    let current = this.store.all().find((sandbox) => sandbox.containerId === containerId);
    if (current === undefined) return;
    for (const network of current.networks.toReversed()) {
      await this.#chain.del(network.list, attachmentOf(current, network));
      current = { ...current, ready: false, networks: current.networks.slice(0, -1) };
      await this.store.put(current);
    }
    if (existsSync(current.netns)) removeNetns(current.netns);
    await this.store.remove(current);
  }

  /** CHECK of every attachment. */
  async check(sandbox: Sandbox): Promise<void> {
    for (const network of sandbox.networks) {
      await this.#chain.check(network.list, attachmentOf(sandbox, network));
    }
  }

  /** What GC must keep. */
  validAttachments(): ValidAttachment[] {
    return this.store
      .all()
      .flatMap(({ containerId, networks }) =>
        networks.map((network) => ({ containerId, interface: network.interface })),
      );
  }
}

/**
 * A pod's namespace begins with the rp_filter of its node, the machine's first namespace (net.core.devconf_inherit_init_net 0).
 * The nodes of the lab are none, so that it is brought along here.
 */
function inheritSysctls(sandbox: NetworkNamespace): void {
  for (const key of ['ipv4/conf/all/rp_filter', 'ipv4/conf/default/rp_filter']) {
    sandbox.setSysctl(key, readFileSync(`/proc/sys/net/${key}`, 'utf8').trim());
  }
}

/** CNI_ARGS as kubelet's runtimes set them (containerd, internal/cri/server/sandbox_run.go). */
function attachmentOf(
  { containerId, netns, pod }: Sandbox,
  { interface: name, capabilityArgs }: PodNetwork,
): Attachment {
  return {
    containerId,
    netns,
    interface: name,
    args: [
      ['IgnoreUnknown', '1'],
      ['K8S_POD_NAMESPACE', pod.namespace],
      ['K8S_POD_NAME', pod.name],
      ['K8S_POD_INFRA_CONTAINER_ID', containerId],
      ['K8S_POD_UID', pod.uid],
    ],
    capabilityArgs,
  };
}
