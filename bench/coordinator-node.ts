// A node for the benchmark of the coordinator, in its own namespaces: a process that obeys its parent. It plays the
// main plugin, and calls the agent over its socket. So the benchmark measures only the agent's own part.

import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CniResult, resources } from '#api';
import { formatAddress, formatCidr, parseAddress } from '#ip';
import { primeThreads } from '#kernel';
import { gateway, nodeNic, OneNode } from '../test/e2e/one-node.ts';
import { runProgram } from '../test/e2e/program.ts';
import { callAgent } from './agent-call.ts';
import { KernelWork } from './kernel-work.ts';
import { obeyParent } from './node-process.ts';
import { type BenchPod, makePod, type PodKind, type PodNic } from './pod-nics.ts';

/** One verb for pods `first` … of a kind, one after the other. */
export interface CallOrder {
  readonly do: 'call';
  readonly verb: 'ADD' | 'DEL';
  /** The types in the order of ADD. */
  readonly types: readonly ('spiderpool' | 'coordinator')[];
  readonly kind: PodKind;
  readonly first: number;
  readonly count: number;
}

/** The orders of the parent. */
export type CoordinatorOrder =
  /** Makes pods 0 … count−1 of a kind. */
  | { readonly do: 'prepare'; readonly kind: PodKind; readonly count: number }
  /**
   * Answers with the microseconds of each pod, for all its NICs and types together.
   * A call that fails is an error, unless `mayFail`.
   */
  | (CallOrder & { readonly mayFail?: boolean })
  /** Makes the kernel objects of a pod that has only IPv4, without an agent. The answer is in microseconds. */
  | { readonly do: 'kernelWork' }
  /** The {@link Sends} so far. */
  | { readonly do: 'sends' }
  /** Restarts the agent with these switches of its conf.yml. */
  | { readonly do: 'configure'; readonly switches: Readonly<Record<string, boolean>> }
  /** Whether the gateway answers probes. */
  | { readonly do: 'gateway'; readonly up: boolean }
  | { readonly do: 'apiServer'; readonly up: boolean }
  /** Gives both pools records of so many pods of other nodes. */
  | { readonly do: 'fillPools'; readonly count: number }
  /** Restarts the agent. The answer is the milliseconds from its start until it has answered ADDs of this pod. */
  | ({ readonly do: 'restart' } & Pick<CallOrder, 'kind' | 'first' | 'types'>)
  | { readonly do: 'stop' };

/** Messages to the kernel. */
export interface Sends {
  readonly route: number;
  readonly nftables: number;
}

const conf = { cniVersion: '1.0.0', name: 'bench' };
const lastOfPool = { 4: '10.6.20.250', 6: 'fd00:10:6::2:0' } as const;
const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
/**
 * After a DEL, the kernel still works on the deleted objects, and delays the next ADD. After an ADD, nftables still waits for the
 * objects that the transaction replaced, and delays another transaction in the same pod. A real node has time between two pods,
 * and a real pod lives longer.
 */
const REST_MS = 25;
const folder = mkdtempSync('/var/tmp/orbweaver-bench-');

class CoordinatorNode {
  readonly #node: OneNode;
  readonly #pods = new Map<string, BenchPod>();
  #kernelWork: KernelWork | undefined;

  private constructor(node: OneNode) {
    this.#node = node;
  }

  static async start(): Promise<CoordinatorNode> {
    await primeThreads();
    const node = await OneNode.start({ folder, agent: { stateDirectory: join(folder, 'state') } });
    await node.createPool('v4', 4, { ips: [`10.6.1.1-${lastOfPool[4]}`] });
    await node.createPool('v6', 6, { ips: [`fd00:10:6::1:0-${lastOfPool[6]}`] });
    makeGateway();
    return new CoordinatorNode(node);
  }

  async obey(order: CoordinatorOrder): Promise<unknown> {
    switch (order.do) {
      case 'prepare':
        for (let index = 0; index < order.count; index++) await this.#prepare(order.kind, index);
        return undefined;
      case 'call':
        return this.#callAll(order, order.mayFail ?? false);
      case 'kernelWork':
        this.#kernelWork ??= await this.#recordKernelWork();
        await this.#kernelWork.undo();
        await sleep(REST_MS);
        return this.#kernelWork.again();
      case 'sends':
        return readSends();
      case 'configure':
        return this.#configure(order.switches);
      case 'gateway':
        return void runProgram('ip', ['-n', 'gateway', 'link', 'set', 'nic', order.up ? 'up' : 'down']);
      case 'apiServer':
        return order.up ? this.#node.startApiServer() : this.#node.apiServer.stop('SIGKILL');
      case 'fillPools':
        for (const family of [4, 6] as const) await this.#fillPool(family, order.count);
        return undefined;
      case 'restart':
        return this.#restart(order);
      case 'stop':
        return this.#node.stop();
    }
  }

  async #prepare(kind: PodKind, index: number): Promise<BenchPod> {
    const pod = makePod(kind, index, this.#pods.size + 1);
    this.#pods.set(pod.name, pod);
    await this.#node.createPod(pod.name);
    return pod;
  }

  async #callAll({ kind, first, count, ...order }: CallOrder, mayFail: boolean): Promise<number[]> {
    const times: number[] = [];
    for (let index = first; index < first + count; index++) {
      const pod = this.#pods.get(`${kind}-${index}`);
      if (pod === undefined) throw new Error(`pod ${kind}-${index} was not prepared`);
      times.push(await callForPod(pod, order, mayFail));
    }
    await sleep(REST_MS);
    return times;
  }

  async #recordKernelWork(): Promise<KernelWork> {
    const pod = await this.#prepare('ipv4', this.#pods.size);
    const coordinator = await this.#node.client.get(resources.spiderCoordinators, { name: 'default' });
    return new KernelWork(pod, { ...conf, type: 'coordinator' }, coordinator);
  }

  /** From the last address of the pool downwards, so that pods of this node still get the first ones. */
  async #fillPool(family: 4 | 6, count: number): Promise<void> {
    const last = parseAddress(lastOfPool[family]);
    const addresses = Array.from({ length: count }, (_, index) =>
      formatAddress({ ...last, value: last.value - BigInt(index) }),
    );
    const pool = await this.#node.client.get(resources.spiderIPPools, { name: `v${family}` });
    const records = addresses.map((address, index) => {
      const owner = { pod: `default/of-another-node-${index}`, podUid: randomUUID(), nic: 'eth0' };
      return [address, owner] as const;
    });
    const held = JSON.parse(pool.status?.allocatedIPs ?? '{}') as object;
    const allocatedIPs = JSON.stringify({ ...held, ...Object.fromEntries(records) });
    await this.#node.client.updateStatus(resources.spiderIPPools, {
      ...pool,
      status: { ...pool.status, allocatedIPs, allocatedIPCount: Object.keys(held).length + count },
    });
  }

  async #restart(pod: Pick<CallOrder, 'kind' | 'first' | 'types'>): Promise<number> {
    await this.#node.agent.stop('SIGTERM');
    const beganMs = performance.now();
    await this.#node.startAgent();
    await this.#callAll({ do: 'call', verb: 'ADD', ...pod, count: 1 }, false);
    const tookMs = performance.now() - beganMs;
    await this.#callAll({ do: 'call', verb: 'DEL', ...pod, count: 1 }, false);
    return tookMs - REST_MS;
  }

  async #configure(switches: Readonly<Record<string, boolean>>): Promise<void> {
    await this.#node.agent.stop('SIGTERM');
    const file = join(folder, 'conf.yml');
    const before = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...before, ...switches }));
    await this.#node.startAgent();
  }
}

async function callForPod(
  { name: pod, netns, nics }: BenchPod,
  { verb, types }: Pick<CallOrder, 'verb' | 'types'>,
  mayFail: boolean,
): Promise<number> {
  const calls = nics.flatMap((nic) => types.map((type) => ({ nic, type })));
  let tookUs = 0;
  for (const { nic, type } of verb === 'ADD' ? calls : calls.toReversed()) {
    const call = { type, verb, pod, netns, nic: nic.name, conf: confFor(type, nic, netns) };
    const answer = await callAgent(call);
    if (answer.exitCode !== 0 && !mayFail) throw new Error(`${verb} of ${pod} by ${type}: ${answer.stdout}`);
    tookUs += answer.tookUs;
  }
  return tookUs;
}

function confFor(type: string, nic: PodNic, netns: string): object {
  if (type === 'spiderpool') return { ...conf, type: 'macvlan', master: nodeNic, mode: 'bridge', ipam };
  const prevResult: CniResult = {
    interfaces: [{ name: nic.name, mac: '', sandbox: netns }],
    ips: nic.addresses.map((cidr) => ({
      address: formatCidr(cidr),
      interface: 0,
      gateway: gateway[cidr.address.family],
    })),
    routes: [],
    dns: {},
  };
  return { ...conf, type, prevResult: { cniVersion: conf.cniVersion, ...prevResult } };
}

/** A host on the LAN that answers for the gateway. */
function makeGateway(): void {
  const addresses = [`${gateway[4]}/16`, `${gateway[6]}/64`];
  const lines = [
    'netns add gateway',
    'link add gateway-port master lan up type veth peer name nic netns gateway',
    ...addresses.map((address) => `-n gateway address add ${address} dev nic`),
  ];
  for (const line of lines) runProgram('ip', line.split(' '));
  runProgram('ip', ['-n', 'gateway', 'link', 'set', 'nic', 'up']);
}

/** The messages of every process that was started with the counter. */
function readSends(): Sends {
  const file = process.env.OW_BENCH_SENDS;
  if (file === undefined || !existsSync(file)) throw new Error('this node was started without the counter');
  const bytes = readFileSync(file);
  return { route: Number(bytes.readBigUInt64LE(0)), nftables: Number(bytes.readBigUInt64LE(8)) };
}

// The namespaces and all processes in them end with this process. The folder is on the machine's disk and must be removed.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const node = CoordinatorNode.start();
obeyParent(async (order: CoordinatorOrder) => (await node).obey(order));
