// A cluster under random operations, and what must be true in it: who was told which address, and what the pools record.

import { type Pod, resources, type SpiderIPPool } from '#api';
import { abortable, isOrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import type { HeldAddress } from '#cni';
import { formatAddress } from '#ip';
import { FakeKube } from '#kube/testing';
import type { LedPools } from '../../src/controller/pools/led-pools.ts';
import { type Program, startAgent, startController } from './programs.ts';

const nodes = ['node1', 'node2', 'node3'] as const;
const pools = { v4: '10.6.1.1-10.6.1.8', more: '10.6.2.1-10.6.2.4' } as const;
const namespace = 'default';
const NIC = 'eth0';

/** What the runtime of a node knows of a pod. */
export interface Sandbox {
  readonly name: string;
  readonly uid: string;
  readonly node: (typeof nodes)[number];
  readonly isFixed: boolean;
  /** What the runtime was told last. */
  held: readonly HeldAddress[];
  /** The addresses that it uses now. */
  living: readonly string[];
  /** Whether the runtime owes a DEL. */
  owesDelete: boolean;
  /** A runtime asks one thing at a time for each pod. */
  isBusy: boolean;
  /** Whether its Pod object is there. */
  isThere: boolean;
}

export class Fault extends Error {}

export class Cluster {
  readonly kube = new FakeKube();
  readonly clock = new FakeClock();
  readonly faults = { refused: 0, lost: 0 };
  readonly sandboxes: Sandbox[] = [];
  /** Pods that have ended, for DELs that come again. */
  readonly ended: Sandbox[] = [];
  replicas = 3;
  /** How many ADDs have succeeded. */
  answered = 0;
  readonly #agents = new Map<string, ReturnType<typeof startAgent>>();
  #controller: Program<LedPools> | undefined;
  readonly #running = new Set<Promise<void>>();
  readonly #fixed = new Map<string, string>();
  #fault: Error | undefined;
  #count = 0;

  async start(): Promise<void> {
    await this.kube.create(resources.namespaces, { metadata: { name: namespace } });
    for (const name of nodes) {
      const conditions = [{ type: 'Ready', status: 'True' }];
      const object = resources.nodes.schema.parse({ metadata: { name }, status: { conditions } });
      await this.kube.create(resources.nodes, object);
    }
    for (const [name, ips] of Object.entries(pools)) {
      const spec = { subnet: '10.6.0.0/16', ips: [ips], default: false, disable: false };
      await this.kube.create<SpiderIPPool>(resources.spiderIPPools, { metadata: { name }, spec });
    }
    const spec = { selector: {}, template: {}, replicas: this.replicas };
    const set = resources.statefulSets.schema.parse({ metadata: { name: 'db', namespace }, spec });
    await this.kube.create(resources.statefulSets, set);
    for (const node of nodes) this.restartAgent(node);
    this.restartController();
    await this.turns(50);
  }

  stop(): void {
    for (const agent of this.#agents.values()) agent.kill();
    this.#controller?.kill();
  }

  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  restartAgent(node: string): void {
    this.#agents.get(node)?.kill();
    this.#agents.set(
      node,
      startAgent(this, node, () => this.#controller),
    );
  }

  restartController(): void {
    this.#controller?.kill();
    const isAlive = (uid: string) => this.sandboxes.some((one) => one.uid === uid && one.living.length > 0);
    this.#controller = startController(this, async (_, uid) => (isAlive(uid) ? 'alive' : 'gone'));
  }

  /** Does it beside everything else. */
  begin(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        this.#fault ??= error instanceof Error ? error : new Fault(String(error));
      })
      .finally(() => this.#running.delete(done));
    this.#running.add(done);
  }

  async createPod(name: string, which: number): Promise<Sandbox> {
    this.#count += 1;
    const node = nodes[(which + this.#count) % nodes.length] ?? 'node1';
    const isFixed = name.startsWith('db-');
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true };
    const uid = `${name}-uid-${this.#count}`;
    const object = {
      metadata: { name, namespace, uid, ...(isFixed && { ownerReferences: [owner] }) },
      spec: { nodeName: node, containers: [{ name: 'c' }] },
      status: { phase: 'Pending' },
    };
    const sandbox = { name, uid, node, isFixed, held: [], living: [], owesDelete: false };
    const made: Sandbox = { ...sandbox, isBusy: true, isThere: true };
    this.sandboxes.push(made);
    await this.kube.create<Pod>(resources.pods, resources.pods.schema.parse(object));
    made.isBusy = false;
    return made;
  }

  /** ADD. With `patience`, the runtime gives up after so many turns. */
  async add(sandbox: Sandbox, patience?: number): Promise<void> {
    const agent = this.#agents.get(sandbox.node);
    if (agent === undefined || sandbox.living.length > 0) return;
    const given = new AbortController();
    const signal = AbortSignal.any([agent.died, given.signal]);
    if (patience !== undefined) void this.turns(patience).then(() => given.abort(new Error('too late')));
    sandbox.owesDelete = true;
    try {
      const allocator = await abortable(agent.serves, signal);
      const request = {
        ...{ containerId: `of-${sandbox.uid}`, interfaceName: NIC, podUid: sandbox.uid, signal },
        ...{ podNamespace: namespace, podName: sandbox.name, requested: {}, requestedMacs: {} },
        conf: {
          name: 'net',
          type: 'macvlan',
          ipam: { type: 'spiderpool', default_ipv4_ippool: Object.keys(pools) },
        },
        parentNetworks: async () => [],
        log: silentLogger,
      };
      const { addresses } = await abortable(allocator.allocate(request), signal);
      sandbox.held = addresses.map(({ address: { address }, heldIn }) => ({ address, heldIn }));
      sandbox.living = sandbox.held.map(({ address }) => formatAddress(address));
      this.#told(sandbox);
    } catch (error) {
      expectTrouble(error, signal);
    }
  }

  /** DEL: it has left the address before it says so. */
  async del(sandbox: Sandbox): Promise<void> {
    const agent = this.#agents.get(sandbox.node);
    if (agent === undefined) return;
    sandbox.living = [];
    try {
      const allocator = await abortable(agent.serves, agent.died);
      const { name: podName, uid: podUid, held } = sandbox;
      const request = { podNamespace: namespace, podName, podUid, nic: undefined, held };
      const all = { ...request, signal: agent.died, log: silentLogger };
      await abortable(allocator.release(all), agent.died);
      sandbox.owesDelete = false;
    } catch (error) {
      expectTrouble(error, agent.died);
    }
  }

  /** Deletes the Pod object. */
  async remove(sandbox: Sandbox): Promise<void> {
    sandbox.isThere = false;
    await this.kube.delete(resources.pods, { namespace, name: sandbox.name });
  }

  /** The runtime has nothing more to do with it. */
  forget(sandbox: Sandbox): void {
    sandbox.living = [];
    this.sandboxes.splice(this.sandboxes.indexOf(sandbox), 1);
    this.ended.push(sandbox);
    if (this.ended.length > 20) this.ended.shift();
  }

  async scale(replicas: number): Promise<void> {
    this.replicas = replicas;
    for (const name of this.#fixed.keys()) if (!this.#claims(name)) this.#fixed.delete(name);
    const patch = { type: 'merge', body: { spec: { replicas } } } as const;
    await this.kube.patch(resources.statefulSets, { namespace, name: 'db' }, patch);
  }

  /** Changes what the pools offer. What is allocated stays. */
  async editPool(which: number): Promise<void> {
    const name = which % 2 === 0 ? 'v4' : 'more';
    const excludeIPs = which % 3 === 0 ? [`10.6.${name === 'v4' ? 1 : 2}.${(which % 4) + 1}`] : [];
    const body = { spec: { disable: which % 7 === 0, excludeIPs } };
    await this.kube.patch(resources.spiderIPPools, { name }, { type: 'merge', body });
  }

  /** Throws a {@link Fault} if something that was told is not in the records. */
  async verify(): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    const before = this.sandboxes.flatMap((sandbox) =>
      sandbox.living.map((address) => ({ sandbox, address })),
    );
    const records = await this.records();
    for (const { sandbox, address } of before) {
      if (!sandbox.living.includes(address)) continue;
      const holder = records.get(address)?.podUid;
      if (holder !== sandbox.uid)
        throw new Fault(`${sandbox.uid} uses ${address}, which is recorded for ${holder ?? 'nobody'}`);
    }
  }

  /** All failures end, everybody finishes, and reclaiming has its time: then nothing is left over. */
  async settle(): Promise<void> {
    this.faults.refused = 0;
    this.faults.lost = 0;
    await this.#finish();
    for (const sandbox of [...this.sandboxes]) {
      if (sandbox.living.length > 0 && sandbox.isThere) continue;
      if (sandbox.owesDelete || sandbox.living.length > 0) this.begin(this.del(sandbox));
      await this.#finish();
      if (sandbox.owesDelete) throw new Fault(`the DEL of ${sandbox.uid} fails without a cause`);
      if (!sandbox.isThere) this.forget(sandbox);
    }
    for (let minute = 0; minute < 25; minute++) {
      await this.clock.advance(60_000);
      await this.turns(60);
    }
    await this.verify();
    for (const [address, { pod, podUid }] of await this.records()) {
      const isHeld = this.sandboxes.some(({ uid }) => uid === podUid);
      if (!isHeld && !this.#claims(pod.slice(namespace.length + 1)))
        throw new Fault(`${address} is still recorded for ${podUid}, which is gone`);
    }
  }

  async #finish(): Promise<void> {
    for (let tries = 0; this.#running.size > 0; tries++) {
      if (tries === 400) throw new Fault('a request does not end');
      await this.clock.advance(250);
      await this.turns(10);
    }
    if (this.#fault !== undefined) throw this.#fault;
  }

  #claims(name: string): boolean {
    const [, ordinal] = /^db-(\d+)$/.exec(name) ?? [];
    return ordinal !== undefined && Number(ordinal) < this.replicas;
  }

  #told(sandbox: Sandbox): void {
    const { name, uid, living } = sandbox;
    const [address = ''] = living;
    this.answered += 1;
    const rival = this.sandboxes.find((one) => one !== sandbox && one.living.includes(address));
    if (rival !== undefined) throw new Fault(`${uid} was given ${address}, which ${rival.uid} uses`);
    if (!sandbox.isFixed || !this.#claims(name)) return;
    const before = this.#fixed.get(name) ?? address;
    if (before !== address) throw new Fault(`${name} had ${before}, and was given ${address}`);
    this.#fixed.set(name, address);
  }

  async records(): Promise<Map<string, { readonly pod: string; readonly podUid: string }>> {
    const { items } = await this.kube.list(resources.spiderIPPools);
    const all = new Map<string, { pod: string; podUid: string }>();
    for (const { status } of items) {
      const records = JSON.parse(status?.allocatedIPs ?? '{}') as Record<
        string,
        { pod: string; podUid: string }
      >;
      for (const [address, record] of Object.entries(records)) all.set(address, record);
    }
    return all;
  }
}

/** Refusals are no faults: the server's, an exhausted pool's, and those of a dead agent. */
function expectTrouble(error: unknown, signal: AbortSignal): void {
  if (signal.aborted || (isOrbError(error) && error.code !== 'INTERNAL')) return;
  throw error;
}
