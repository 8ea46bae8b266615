// A node for the benchmark of repair, in its own namespaces. It runs pods, and measures the time until they are repaired.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CniResult, resources } from '#api';
import { formatCidr } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import type { NetworkNamespace } from '#net';
import { gateway, OneNode } from '../test/e2e/one-node.ts';
import { callAgent } from './agent-call.ts';
import { obeyParent } from './node-process.ts';
import { type BenchPod, makePod } from './pod-nics.ts';

/** The orders of the parent. */
export type RepairOrder =
  /** Adds dual-stack pods until the node has this number. Answers when the agent is idle again. */
  | { readonly do: 'fill'; readonly count: number }
  /** Gives the cluster another Service network: answers with {@link Move}. */
  | { readonly do: 'moveServices'; readonly network: string }
  /** Deletes a rule in the last pod. The answer is the milliseconds until the rule is back. */
  | { readonly do: 'breakOne' }
  /** The answer is the agent's processor time in milliseconds, over this many seconds in which nothing changes. */
  | { readonly do: 'idle'; readonly seconds: number }
  | { readonly do: 'stop' };

/** How the new Service network reached all pods. */
export interface Move {
  /** The time until the last pod had the route. */
  readonly tookMs: number;
  /** The agent's processor time until it was idle again. */
  readonly workedMs: number;
}

const folder = mkdtempSync('/var/tmp/orbweaver-bench-');

class RepairNode {
  readonly #node: OneNode;
  readonly #pods: { readonly pod: BenchPod; readonly namespace: NetworkNamespace }[] = [];

  private constructor(node: OneNode) {
    this.#node = node;
  }

  static async start(): Promise<RepairNode> {
    await primeThreads();
    return new RepairNode(await OneNode.start({ folder, agent: { stateDirectory: join(folder, 'state') } }));
  }

  async obey(order: RepairOrder): Promise<unknown> {
    switch (order.do) {
      case 'fill':
        while (this.#pods.length < order.count) await this.#add();
        return this.#settled();
      case 'moveServices':
        return this.#moveServices(order.network);
      case 'breakOne':
        return this.#breakOne();
      case 'idle':
        return this.#idle(order.seconds);
      case 'stop':
        return this.#node.stop();
    }
  }

  async #add(): Promise<void> {
    const pod = makePod('dual', this.#pods.length, this.#pods.length + 1);
    await this.#node.createPod(pod.name);
    const [nic] = pod.nics;
    if (nic === undefined) throw new Error(`pod ${pod.name} has no NIC`);
    const prevResult: CniResult = {
      interfaces: [{ name: nic.name, mac: '', sandbox: pod.netns }],
      ips: nic.addresses.map((cidr) => ({
        address: formatCidr(cidr),
        interface: 0,
        gateway: gateway[cidr.address.family],
      })),
    };
    const cniVersion = '1.0.0';
    const conf = {
      cniVersion,
      name: 'bench',
      type: 'coordinator',
      prevResult: { cniVersion, ...prevResult },
    };
    const answer = await callAgent({
      type: 'coordinator',
      verb: 'ADD',
      pod: pod.name,
      netns: pod.netns,
      nic: nic.name,
      conf,
    });
    if (answer.exitCode !== 0) throw new Error(`ADD of ${pod.name}: ${answer.stdout}`);
    this.#pods.push({ pod, namespace: openNamespace(pod.netns) });
  }

  async #moveServices(network: string): Promise<Move> {
    const { client } = this.#node;
    const coordinator = await client.get(resources.spiderCoordinators, { name: 'default' });
    const status = { phase: 'Synced', ...coordinator.status, serviceCIDR: [network] };
    const before = this.#workedMs();
    const began = performance.now();
    await client.updateStatus(resources.spiderCoordinators, { ...coordinator, status });
    const has = (namespace: NetworkNamespace) =>
      namespace.routes({ family: 4 }).some(({ destination }) => formatCidr(destination) === network);
    for (const { namespace } of this.#pods) {
      // Poll rarely, so that polling costs the agent nothing.
      while (!has(namespace)) await sleep(5);
    }
    const tookMs = performance.now() - began;
    await this.#settled();
    return { tookMs, workedMs: this.#workedMs() - before };
  }

  async #breakOne(): Promise<number> {
    const namespace = this.#pods.at(-1)?.namespace;
    const rule = namespace?.rules(4).find(({ priority }) => priority === 1000);
    if (namespace === undefined || rule === undefined) throw new Error('there is no rule to delete');
    const began = performance.now();
    namespace.change([{ verb: 'delete', kind: 'rule', rule }]);
    while (!namespace.rules(4).some(({ priority }) => priority === 1000)) await sleep(2);
    const tookMs = performance.now() - began;
    await this.#settled();
    return tookMs;
  }

  async #idle(seconds: number): Promise<number> {
    await this.#settled();
    const before = this.#workedMs();
    await sleep(seconds * 1000);
    return this.#workedMs() - before;
  }

  /** Resolves when the agent has been idle for a while. */
  async #settled(): Promise<void> {
    for (let before = -1, now = this.#workedMs(); now - before > 10; now = this.#workedMs()) {
      before = now;
      await sleep(700);
    }
  }

  /** User and system time of the agent: proc(5), /proc/PID/stat, fields 14 and 15, in ticks of 10 ms. */
  #workedMs(): number {
    const stat = readFileSync(`/proc/${this.#node.agent.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
}

// The namespaces and all processes in them end with this process. The folder is on the machine's disk and must be removed.
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const node = RepairNode.start();
obeyParent(async (order: RepairOrder) => (await node).obey(order));
