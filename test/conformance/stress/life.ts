// The lives of pods, one after the other, with a runtime and a kubelet whose processes may die at any moment.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Pod, resources } from '#api';
import type { Random } from '#base';
import type { OneNode } from '../../e2e/one-node.ts';
import { Sandbox } from '../../e2e/runtime.ts';
import { kernelLines } from '../kernel-state.ts';
import { type Attachment, type Chain, type ChainRunner, macvlanChain } from './chain.ts';

/** The chains of a pod's NICs. One pod may have both types of NIC. */
const first = [macvlanChain('first-coordinator', 'coordinator'), macvlanChain('first-veth', 'veth')] as const;
const second = [
  macvlanChain('second-coordinator', 'coordinator'),
  macvlanChain('second-veth', 'veth'),
] as const;
export const networks: readonly Chain[] = [...first, ...second];

/** The state that all lives of one run share. */
export interface World {
  readonly node: OneNode;
  readonly runner: ChainRunner;
  /** The maximum time for background work. */
  readonly settleMs: number;
  /** The faults of the product, in words. */
  readonly complaints: string[];
  /** The last sandbox that got each address, while it is attached. */
  readonly holders: Map<string, Sandbox>;
  /** The content of a new network namespace. */
  readonly empty: readonly string[];
  /** Sandboxes that the runtime has forgotten. GC must find them. */
  readonly lost: Sandbox[];
}

/** The probabilities of kills and of forgotten sandboxes. */
const KILLED = 0.5;
const FORGOTTEN = 0.08;
/**
 * The link of a macvlan plugin that was killed before it renamed the link.
 * Its DEL does not know this link (containernetworking/plugins).
 */
const MACVLAN_IN_THE_MAKING = /^link veth[0-9a-f]{8}$/;

interface LivePod {
  readonly name: string;
  readonly args: string;
}

/** The pods of one worker. Several workers run in parallel. */
export class Life {
  readonly #world: World;
  readonly #random: Random;
  readonly #worker: string;
  #count = 0;

  constructor(world: World, worker: string, random: Random) {
    this.#world = world;
    this.#worker = worker;
    this.#random = random;
  }

  /** Runs one pod to its end, with one sandbox after the other. */
  async live(): Promise<void> {
    const pod = await this.#createPod();
    const sandboxes = this.#random.chance(0.35) ? 2 : 1;
    let before: (() => Promise<void>) | undefined;
    for (let n = 0; n < sandboxes; n++) before = await this.#replace(pod, before);
    const ending = this.#random.pick(['stopped first', 'marked', 'gone at once']);
    if (ending !== 'stopped first') await this.#deletePod(pod, ending === 'marked' ? 30 : 0);
    await before?.();
    if (ending !== 'gone at once') await this.#deletePod(pod, 0);
  }

  /** A kubelet that was away may end an old sandbox while it makes the new one, or after that. */
  async #replace(pod: LivePod, end = async () => {}): Promise<() => Promise<void>> {
    const order = this.#random.pick(['before', 'meanwhile', 'after']);
    if (order === 'before') await end();
    const [attached] = await Promise.all([this.#attach(pod), order === 'meanwhile' ? end() : undefined]);
    if (order === 'after') await end();
    return attached;
  }

  /**
   * The UID that the runtime knows: the pod's own UID, none, or the UID of a static pod's file.
   * The last one differs from the UID of the mirror pod.
   */
  async #createPod(): Promise<LivePod> {
    const name = `w${this.#worker}-${++this.#count}`;
    const kind = this.#random.pick(['known', 'known', 'known', 'none', 'static']);
    const fileHash = `hash-of-${name}`;
    const annotations = {
      'k8s.v1.cni.cncf.io/networks': 'default/second',
      ...(kind === 'static' && { 'kubernetes.io/config.mirror': fileHash }),
    };
    const made: Pod = await this.#world.node.createPod(name, annotations);
    const uid = { known: made.metadata.uid, none: undefined, static: fileHash }[kind];
    const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name}`;
    return { name, args: uid === undefined ? args : `${args};K8S_POD_UID=${uid}` };
  }

  async #deletePod({ name }: LivePod, gracePeriodSeconds: number): Promise<void> {
    const ref = { namespace: 'default', name };
    await this.#world.node.client.delete(resources.pods, ref, { gracePeriodSeconds });
  }

  /** Makes a sandbox with one or two NICs. The returned function ends it. */
  async #attach(pod: LivePod): Promise<() => Promise<void>> {
    const random = this.#random;
    const sandbox = new Sandbox({ name: pod.name });
    const tried: Attachment[] = [];
    const nics = [
      { chain: random.pick(first), interfaceName: 'eth0' },
      ...(random.chance(0.3) ? [{ chain: random.pick(second), interfaceName: 'net1' }] : []),
    ];
    let isWhole = true;
    for (const nic of nics) {
      const attachment = { ...nic, sandbox, args: pod.args };
      tried.push(attachment);
      isWhole = await this.#add(pod, attachment);
      if (!isWhole) break;
    }
    return () => this.#end(sandbox, tried, isWhole);
  }

  /** Whether the attachment is complete. Only a killed plugin may fail. When the agent was killed, the shim asks it again. */
  async #add(pod: LivePod, attachment: Attachment): Promise<boolean> {
    const { runner } = this.#world;
    const done = await runner.add(attachment, this.#killer());
    if (!done.ok) {
      if (!done.killed)
        this.#complain(`ADD failed although none of its processes was killed: ${done.said}`, attachment);
      return false;
    }
    for (const { address } of (done.result?.ips ?? []) as { address: string }[]) {
      const holder = this.#world.holders.get(address);
      if (holder !== undefined && holder.pod.name !== pod.name)
        this.#complain(
          `${address} was allocated while container ${holder.id} of ${holder.pod.name} held it`,
          attachment,
        );
      this.#world.holders.set(address, attachment.sandbox);
    }
    if (!this.#random.chance(0.25)) return true;
    const checked = await runner.check(attachment, done.result, this.#killer());
    if (!checked.ok && !checked.killed) this.#complain(`CHECK failed: ${checked.said}`, attachment);
    return true;
  }

  async #end(sandbox: Sandbox, tried: readonly Attachment[], isWhole: boolean): Promise<void> {
    const random = this.#random;
    const { holders, lost } = this.#world;
    for (const [address, holder] of holders) if (holder === sandbox) holders.delete(address);
    // A killed ADD may have left objects without a record. DEL finds them by CNI_ARGS, but GC of the node cannot.
    if (isWhole && random.chance(FORGOTTEN)) {
      lost.push(sandbox);
      return;
    }
    if (random.chance(0.3)) sandbox.dropNamespace();
    for (const attachment of tried.toReversed()) await this.#del(attachment);
    await this.#expectEmpty(sandbox, tried[0]);
    sandbox.dropNamespace();
  }

  /** Repeats DEL until it succeeds, as a kubelet does. */
  async #del(attachment: Attachment): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const done = await this.#world.runner.del(attachment, attempt < 3 ? this.#killer() : undefined);
      if (done.ok) return;
      if (done.killed) continue;
      this.#complain(`DEL failed: ${done.said}`, attachment);
      return;
    }
  }

  /** Checks some of the namespaces that remain after DEL. A queued DEL is done when the agent is back. */
  async #expectEmpty(sandbox: Sandbox, attachment: Attachment | undefined): Promise<void> {
    if (attachment === undefined || !existsSync(sandbox.netns) || !this.#random.chance(0.4)) return;
    const isOurs = (line: string) => !this.#world.empty.includes(line) && !MACVLAN_IN_THE_MAKING.test(line);
    const left = () => kernelLines(basename(sandbox.netns)).filter(isOurs);
    for (
      const endMs = performance.now() + this.#world.settleMs;
      performance.now() < endMs;
      await sleep(250)
    ) {
      if (left().length === 0) return;
    }
    this.#complain(`DEL left in the container: ${left().join('; ')}`, attachment);
  }

  #killer(): Random | undefined {
    return this.#random.chance(KILLED) ? this.#random : undefined;
  }

  #complain(what: string, { sandbox, interfaceName, chain, args }: Attachment): void {
    this.#world.complaints.push(
      `${what} (container ${sandbox.id}, ${interfaceName}, network ${chain.name}, ${args})`,
    );
  }
}
