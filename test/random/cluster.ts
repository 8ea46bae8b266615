// A cluster under random operations, and what must be true in it: who was told which address, and what the pools record.

import { type Pod, resources } from '#api';
import { abortable, isOrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { formatAddress } from '#ip';
import { FakeKube } from '#kube/testing';
import type { LedPools } from '../../src/controller/pools/led-pools.ts';
import type { Faults } from './faulty-kube.ts';
import { Machine } from './machine.ts';
import { createObjects, ipamOf, type NodeName, namespace, nodes } from './objects.ts';
import { newPod } from './pods.ts';
import { type Program, startAgent, startController } from './programs.ts';
import { isLiving, livingOf, type Nic, type Sandbox } from './sandbox.ts';
import { Fault, recordsOf, refuseWrongCounts } from './truths.ts';
import { Web } from './web.ts';

export class Cluster {
  readonly kube = new FakeKube();
  readonly clock = new FakeClock();
  readonly faults: Faults = {
    ...{ refused: 0, lost: 0, awayUntilMs: 0, linksAtWork: new Set() },
    now: () => this.clock.now(),
  };
  /** The nodes whose agents do not reach the leader. They write by themselves. */
  readonly apart = new Set<string>();
  readonly sandboxes: Sandbox[] = [];
  /** Pods that have ended, for DELs that come again. */
  readonly ended: Sandbox[] = [];
  readonly web = new Web(this.kube);
  readonly machine = new Machine(this.kube);
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
    await createObjects(this.kube, this.replicas);
    await this.web.start();
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
      startAgent(this, node, () => (this.apart.has(node) ? undefined : this.#controller)),
    );
  }

  restartController(): void {
    this.#controller?.kill();
    const isAlive = (uid: string) => this.sandboxes.some((one) => one.uid === uid && isLiving(one));
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

  async createPod(name: string, which: number, migrates = false): Promise<Sandbox> {
    this.#count += 1;
    const node: NodeName = nodes[(which + this.#count) % nodes.length] ?? 'node1';
    const { object, sandbox: made } = newPod(name, this.#count, node, this.web, migrates);
    this.sandboxes.push(made);
    await this.kube.create<Pod>(resources.pods, object);
    made.isBusy = false;
    return made;
  }

  /**
   * Multus asks for one NIC after the other. If one fails, it ends those before. With `patience`, the runtime gives up
   * after so many turns.
   */
  async add(sandbox: Sandbox, patience?: number): Promise<void> {
    if (isLiving(sandbox)) return;
    const given = new AbortController();
    if (patience !== undefined) void this.turns(patience).then(() => given.abort(new Error('too late')));
    sandbox.owesDelete = true;
    for (const nic of sandbox.nics) {
      if (await this.#attach(sandbox, nic, given.signal)) continue;
      if (isLiving(sandbox)) await this.del(sandbox);
      return;
    }
  }

  /** ADD of one NIC. Resolves with whether it succeeded. */
  async #attach(sandbox: Sandbox, nic: Nic, given: AbortSignal): Promise<boolean> {
    const agent = this.#agents.get(sandbox.node);
    if (agent === undefined) return false;
    const signal = AbortSignal.any([agent.died, given]);
    try {
      const allocator = await abortable(agent.serves, signal);
      const request = {
        ...{ containerId: `of-${sandbox.uid}`, interfaceName: nic, podUid: sandbox.uid, signal },
        ...{ podNamespace: namespace, podName: sandbox.name, requested: {}, requestedMacs: {} },
        conf: { name: 'net', type: 'macvlan', ipam: ipamOf[nic] },
        parentNetworks: async () => [],
        log: silentLogger,
      };
      const { addresses } = await abortable(allocator.allocate(request), signal);
      const own = addresses.filter((one) => one.nic === nic);
      if (own.length !== (nic === 'eth0' ? 2 : 1))
        throw new Fault(`${sandbox.uid} got ${own.length} addresses for ${nic}`);
      sandbox.held.set(
        nic,
        own.map(({ address: { address }, heldIn }) => ({ address, heldIn })),
      );
      sandbox.living.set(
        nic,
        own.map(({ address: { address } }) => formatAddress(address)),
      );
      this.#told(sandbox, nic);
      return true;
    } catch (error) {
      expectTrouble(error, signal);
      return false;
    }
  }

  /** DEL of each NIC, the last one first. It has left its addresses before it says so. */
  async del(sandbox: Sandbox): Promise<void> {
    const agent = this.#agents.get(sandbox.node);
    if (agent === undefined) return;
    try {
      const allocator = await abortable(agent.serves, agent.died);
      for (const nic of sandbox.nics.toReversed()) {
        sandbox.living.delete(nic);
        const held = sandbox.held.get(nic) ?? [];
        const isLast = [...sandbox.held.keys()].every((other) => other === nic);
        const { name: podName, uid: podUid } = sandbox;
        const request = { podNamespace: namespace, podName, podUid, nic: isLast ? undefined : nic, held };
        const all = { ...request, signal: agent.died, log: silentLogger };
        await abortable(allocator.release(all), agent.died);
        sandbox.held.delete(nic);
      }
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
    sandbox.living.clear();
    this.sandboxes.splice(this.sandboxes.indexOf(sandbox), 1);
    this.ended.push(sandbox);
    if (this.ended.length > 20) this.ended.shift();
  }

  /** Addresses that are given up may be given to anybody. */
  forgetUnclaimed(): void {
    for (const key of this.#fixed.keys())
      if (!this.#claims(key.slice(0, key.indexOf(' ')))) this.#fixed.delete(key);
  }

  async scale(replicas: number): Promise<void> {
    this.replicas = replicas;
    this.forgetUnclaimed();
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
      livingOf(sandbox).map((address) => ({ sandbox, address })),
    );
    const records = await recordsOf(this.kube);
    for (const { sandbox, address } of before) {
      if (!livingOf(sandbox).includes(address)) continue;
      const holder = records.get(address);
      // The pods of a virtual machine that migrates hold its address together. The record names one of them.
      const isShared = sandbox.fixedTo === 'vm' && holder?.pod === `${namespace}/vm`;
      if (holder?.podUid !== sandbox.uid && !isShared)
        throw new Fault(
          `${sandbox.uid} uses ${address}, which is recorded for ${holder?.podUid ?? 'nobody'}`,
        );
    }
  }

  /** All failures end, everybody finishes, and reclaiming has its time: then nothing is left over. */
  async settle(): Promise<void> {
    this.faults.refused = 0;
    this.faults.lost = 0;
    this.faults.awayUntilMs = 0;
    await this.#finish();
    for (const sandbox of [...this.sandboxes]) {
      if (isLiving(sandbox) && sandbox.isThere) continue;
      if (sandbox.owesDelete || isLiving(sandbox)) this.begin(this.del(sandbox));
      await this.#finish();
      if (sandbox.owesDelete) throw new Fault(`the DEL of ${sandbox.uid} fails without a cause`);
      if (!sandbox.isThere) this.forget(sandbox);
    }
    for (let minute = 0; minute < 25; minute++) {
      await this.clock.advance(60_000);
      await this.turns(60);
    }
    await this.verify();
    for (const [address, { pod, podUid }] of await recordsOf(this.kube)) {
      const isMachine = pod === `${namespace}/vm`;
      const isHeld = this.sandboxes.some(({ uid, fixedTo }) =>
        isMachine ? fixedTo === 'vm' : uid === podUid,
      );
      if (!isHeld && !this.#claims(pod.slice(namespace.length + 1)))
        throw new Fault(`${address} is still recorded for ${podUid}, which is gone`);
    }
    await refuseWrongCounts(this.kube, this.web.sizes);
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
    if (name === 'vm') return this.machine.isThere;
    const [, ordinal] = /^db-(\d+)$/.exec(name) ?? [];
    return ordinal !== undefined && Number(ordinal) < this.replicas;
  }

  #told(sandbox: Sandbox, nic: Nic): void {
    const { uid, fixedTo } = sandbox;
    this.answered += 1;
    for (const address of sandbox.living.get(nic) ?? []) {
      const rival = this.sandboxes.find(
        (one) =>
          one !== sandbox && livingOf(one).includes(address) && !(fixedTo === 'vm' && one.fixedTo === 'vm'),
      );
      if (rival !== undefined) throw new Fault(`${uid} was given ${address}, which ${rival.uid} uses`);
      if (fixedTo === undefined || !this.#claims(fixedTo)) continue;
      const key = `${fixedTo} ${nic} ${address.includes(':') ? 6 : 4}`;
      const before = this.#fixed.get(key) ?? address;
      if (before !== address) throw new Fault(`${key} had ${before}, and was given ${address}`);
      this.#fixed.set(key, address);
    }
  }
}

/** Refusals are no faults: the server's, an exhausted pool's, and those of a dead agent. */
function expectTrouble(error: unknown, signal: AbortSignal): void {
  if (signal.aborted || (isOrbError(error) && error.code !== 'INTERNAL')) return;
  throw error;
}
