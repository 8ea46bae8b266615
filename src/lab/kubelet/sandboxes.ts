// Creates and removes pod sandboxes: a network namespace, and its attachments by CNI.

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

/** A network of a pod, and its result. */
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

  /** Makes a sandbox for the pod; it contains only lo. */
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

  /** Attaches a sandbox to the networks in order. Each is written to disk before its ADD, so that DEL finds it. */
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

  /** The results of a sandbox's networks, from the cache. */
  attached(sandbox: Sandbox): Promise<AttachedNetwork[]> {
    return Promise.all(
      sandbox.networks.map(async (network) => {
        const result = await this.#chain.result(network.list, attachmentOf(sandbox, network));
        return { network, result: result ?? {} };
      }),
    );
  }

  /** Removes a sandbox: DEL in reverse order, then the namespace. After an error, the next call does the rest. */
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

  /** The attachments that GC must keep. */
  validAttachments(): ValidAttachment[] {
    return this.store
      .all()
      .flatMap(({ containerId, networks }) =>
        networks.map((network) => ({ containerId, interface: network.interface })),
      );
  }
}

/**
 * Gives a pod's namespace the rp_filter of its node. On a real node, the kernel copies it from the machine's first namespace
 * (net.core.devconf_inherit_init_net 0). The nodes of the lab are not the first namespace, so that it is copied here.
 */
function inheritSysctls(sandbox: NetworkNamespace): void {
  for (const key of ['ipv4/conf/all/rp_filter', 'ipv4/conf/default/rp_filter']) {
    sandbox.setSysctl(key, readFileSync(`/proc/sys/net/${key}`, 'utf8').trim());
  }
}

/** CNI_ARGS as the runtimes of kubelet set them (containerd, internal/cri/server/sandbox_run.go). */
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
