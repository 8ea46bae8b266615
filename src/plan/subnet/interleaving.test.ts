// The proof by trial of docs/adr: planners that see the past, write late, in any order, or never.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Application } from './application.ts';
import { planApplicationPools } from './plan-application.ts';
import { planSubnet } from './plan-subnet.ts';
import { PoolIndex } from './pool-index.ts';
import { application, Cluster, recordsOf, subnetObject } from './subnet-fixture.ts';
import { SubnetLedger } from './subnet-ledger.ts';
import { readSubnetRequest } from './subnet-request.ts';

const SUBNETS = ['a', 'b'] as const;
const NAMES = ['one', 'two', 'three'] as const;

/** An application that comes and goes. */
interface Life {
  app: Application;
  alive: boolean;
  pods: number;
  subnet: number;
  reclaim: boolean;
}

class World {
  readonly cluster = new Cluster([
    subnetObject('a', { ips: ['10.6.0.10-10.6.0.19'] }),
    subnetObject('b', { subnet: '10.7.0.0/16', ips: ['10.7.0.10-10.7.0.15'], gateway: '10.7.0.1' }),
  ]);
  readonly lives: Life[] = NAMES.map((name, index) => ({
    app: application(name, { uid: `0-${index}` }),
    alive: true,
    pods: 2,
    subnet: index % 2,
    reclaim: index !== 1,
  }));
  /** What each planner has decided and not yet written. */
  readonly pending: (() => void)[][] = [[], [], []];
  readonly #past: { subnets: Cluster['subnets']; pools: Cluster['pools'] }[] = [];
  #births = 0;

  /** Remembers the present for planners that will see it late. */
  remember(): void {
    const { subnets, pools } = this.cluster;
    this.#past.push({ subnets: new Map(subnets), pools: new Map(pools) });
  }

  seen(age: number): { subnets: Cluster['subnets']; pools: Cluster['pools'] } {
    return this.#past[Math.max(0, this.#past.length - 1 - age)] ?? this.cluster;
  }

  facts(life: Life, asker: 'workload' | 'pod', ledgerAge: number, poolAge: number) {
    const { app, alive, pods, subnet, reclaim } = life;
    const annotations = {
      'ipam.spidernet.io/subnet': JSON.stringify({ ipv4: [SUBNETS[subnet]] }),
      'ipam.spidernet.io/ippool-ip-number': '+1',
      'ipam.spidernet.io/ippool-reclaim': String(reclaim),
    };
    const request = readSubnetRequest(annotations, app, 0);
    return {
      application: app,
      living: alive ? { uid: app.uid, request, pods } : undefined,
      asker,
      ledgers: new Map(
        Array.from(this.seen(ledgerAge).subnets, ([name, object]) => [name, SubnetLedger.read(object)]),
      ),
      pools: new PoolIndex(this.seen(poolAge).pools.values()),
      reserved: this.cluster.reserved,
      families: [4] as const,
    };
  }

  plan(planner: number, one: Life, by: 'workload' | 'pod', ledgerAge: number, poolAge: number): void {
    const { writes, ledgers } = planApplicationPools(this.facts(one, by, ledgerAge, poolAge));
    this.pending[planner]?.push(
      ...Array.from(ledgers.values(), (ledger) => () => void this.cluster.storeLedger(ledger)),
      ...writes.map((write) => () => void this.cluster.write(write)),
    );
  }

  /** A planner sees the present and writes at once. */
  act(one: Life, by: 'workload' | 'pod'): void {
    this.remember();
    const { writes, ledgers } = planApplicationPools(this.facts(one, by, 0, 0));
    for (const ledger of ledgers.values()) this.cluster.storeLedger(ledger);
    for (const write of writes) this.cluster.write(write);
  }

  /** The ledger first, the pools later: the order that `planSubnet` asks for. */
  repair(planner: number, ledgerAge: number, poolAge: number): void {
    const pools = new PoolIndex(this.seen(Math.min(ledgerAge, poolAge)).pools.values());
    for (const subnet of this.seen(ledgerAge).subnets.values()) {
      const repaired = planSubnet(SubnetLedger.read(subnet), pools);
      this.pending[planner]?.push(() => void this.cluster.storeLedger(repaired));
    }
  }

  rebirth(life: Life): void {
    life.app = { ...life.app, uid: `1-${life.app.name}${++this.#births}` };
    life.alive = true;
  }

  /** Everybody sees the present and writes at once, until nothing changes. */
  rest(): void {
    for (const queue of this.pending) queue.splice(0);
    for (let round = 0; round < 30; round++) {
      const before = JSON.stringify([...this.cluster.subnets.values(), ...this.cluster.pools.values()]);
      for (const one of this.lives) this.act(one, 'workload');
      this.cluster.repair();
      this.cluster.check();
      if (before === JSON.stringify([...this.cluster.subnets.values(), ...this.cluster.pools.values()]))
        return;
    }
    throw new Error('the planners never rest');
  }

  /** No pod holds an address, and no pool outlives its application. */
  releaseAll(): void {
    for (const one of this.lives) one.reclaim = true;
    for (const [name, pool] of this.cluster.pools) {
      for (const address of Object.keys(recordsOf(pool))) this.cluster.release(name, address);
      const released = this.cluster.pools.get(name) ?? pool;
      const labels = { ...released.metadata.labels, 'ipam.spidernet.io/ippool-reclaim': 'true' };
      const metadata = { ...released.metadata, labels };
      assert.ok(this.cluster.write({ verb: 'update', pool: { ...released, metadata } }));
    }
  }
}

/** One thing that happens. Its text is what a failure prints. */
interface Command {
  readonly run: (world: World) => void;
  readonly toString: () => string;
}

function step<T>(
  name: string,
  weight: number,
  given: fc.Arbitrary<T>,
  run: (world: World, value: T) => void,
): fc.WeightedArbitrary<Command> {
  const arbitrary = given.map((value) => ({
    run: (world: World) => run(world, value),
    toString: () => `${name} ${JSON.stringify(value)}`,
  }));
  return { weight, arbitrary };
}

const planner = fc.nat(2);
const age = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(12));
const life = fc.nat(NAMES.length - 1);
const asker = fc.constantFrom('workload' as const, 'pod' as const);
const lifeOf = (world: World, index: number) => world.lives[index] as Life;
const poolAt = ({ cluster: { pools } }: World, index: number) =>
  [...pools.keys()][index % (pools.size || 1)] ?? '';

const command = fc.oneof(
  step('plan', 6, fc.record({ planner, life, ledgerAge: age, poolAge: age, asker }), (world, c) => {
    world.plan(c.planner, lifeOf(world, c.life), c.asker, c.ledgerAge, c.poolAge);
  }),
  step('act', 5, fc.record({ life, asker }), (world, c) => world.act(lifeOf(world, c.life), c.asker)),
  step('write', 8, fc.record({ planner, write: fc.nat(7) }), (world, c) => {
    const queue = world.pending[c.planner] ?? [];
    for (const write of queue.splice(c.write % (queue.length || 1), 1)) write();
  }),
  step('repair', 2, fc.record({ planner, ledgerAge: age, poolAge: age }), (world, c) => {
    world.repair(c.planner, c.ledgerAge, c.poolAge);
  }),
  step('crash', 1, planner, (world, c) => world.pending[c]?.splice(0)),
  step('scale', 2, fc.record({ life, pods: fc.nat(5) }), (world, c) => {
    lifeOf(world, c.life).pods = c.pods;
  }),
  step('die', 1, life, (world, c) => {
    lifeOf(world, c).alive = false;
  }),
  step('live', 1, life, (world, c) => world.rebirth(lifeOf(world, c))),
  step('move', 1, life, (world, c) => {
    lifeOf(world, c).subnet = 1 - lifeOf(world, c).subnet;
  }),
  step('keep', 1, life, (world, c) => {
    lifeOf(world, c).reclaim = !lifeOf(world, c).reclaim;
  }),
  // A user deletes a pool. The next one of its application may have its name.
  step('remove', 1, fc.nat(6), (world, c) => {
    const pool = world.cluster.pools.get(poolAt(world, c));
    if (pool !== undefined) world.cluster.write({ verb: 'delete', pool });
  }),
  step('allocate', 3, fc.record({ pool: fc.nat(6), pod: fc.nat(99) }), (world, c) => {
    world.cluster.allocate(poolAt(world, c.pool), `pod${c.pod}`);
  }),
  step('release', 2, fc.record({ pool: fc.nat(6), record: fc.nat(5) }), (world, c) => {
    const name = poolAt(world, c.pool);
    const pool = world.cluster.pools.get(name);
    const held = pool === undefined ? [] : Object.keys(recordsOf(pool));
    if (held.length > 0) world.cluster.release(name, held[c.record % held.length] ?? '');
  }),
);

function play(commands: readonly Command[]): World {
  const world = new World();
  world.remember();
  for (const { run } of commands) {
    run(world);
    world.cluster.check();
    world.remember();
  }
  return world;
}

const story = fc.array(command, { minLength: 20, maxLength: 150, size: 'max' });

test('no address is in two pools at any moment, though planners see the past, write late, or crash', () => {
  fc.assert(
    fc.property(story, (commands) => {
      const world = play(commands);
      world.rest();
    }),
    { numRuns: 150 },
  );
});

test('after any interruption every application gets the size that it asks for, if the subnet has it', () => {
  fc.assert(
    fc.property(story, (commands) => {
      const world = play(commands);
      world.releaseAll();
      for (const one of world.lives) one.pods = 1;
      world.rest();
      for (const one of world.lives.filter(({ alive }) => alive)) {
        const plan = planApplicationPools(world.facts(one, 'workload', 0, 0));
        assert.deepEqual(plan.notices, []);
        const sizes = Array.from(plan.pools.values(), ({ status }) => status?.totalIPCount);
        assert.deepEqual(sizes, [2], one.app.name);
      }
    }),
    { numRuns: 80 },
  );
});

test('no address is lost: when all applications are gone and no pool is kept, the subnets are as they were', () => {
  fc.assert(
    fc.property(story, (commands) => {
      const world = play(commands);
      world.releaseAll();
      for (const one of world.lives) one.alive = false;
      world.rest();
      assert.equal(world.cluster.pools.size, 0);
      for (const { status } of world.cluster.subnets.values()) {
        assert.deepEqual([status?.allocatedIPCount, status?.controlledIPPools], [0, undefined]);
      }
    }),
    { numRuns: 80 },
  );
});
