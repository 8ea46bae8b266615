// A cluster in memory for the tests of this folder: objects with resource versions, conditional writes and finalizers,
// as the API server has them, and applications that pods belong to.

import { type KubeObject, resources, type SpiderIPPool, type SpiderSubnet } from '#api';
import { AddressSet, formatAddress } from '#ip';
import { validatePool } from '#plan/ipam';
import type { Application } from './application.ts';
import { isAutomatic } from './auto-pool.ts';
import {
  type ApplicationFacts,
  type ApplicationPlan,
  PoolIndex,
  type PoolWrite,
  planApplicationPools,
  planSubnet,
  readSubnetRequest,
  SubnetLedger,
  validatePoolInSubnet,
} from './index.ts';
import { seePool } from './pool-sight.ts';

type SubnetSpec = NonNullable<SpiderSubnet['spec']>;

export function subnetObject(name: string, spec: Partial<SubnetSpec> = {}): SpiderSubnet {
  return resources.spiderSubnets.schema.parse({
    metadata: { name, uid: `uid-of-${name}` },
    spec: {
      ipVersion: 4,
      subnet: '10.6.0.0/16',
      ips: ['10.6.168.171-10.6.168.180'],
      gateway: '10.6.0.1',
      ...spec,
    },
  });
}

export function application(name: string, changes: Partial<Application> = {}): Application {
  const uid = 'c8f2a0d4-0d2b-4a3e-9f5c-b1a361c7e9df';
  return { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name, uid, ...changes };
}

/** Annotations that ask one NIC for addresses of one subnet of IPv4. */
export const fromSubnet = (subnet: string, more: Record<string, string> = {}): Record<string, string> => ({
  'ipam.spidernet.io/subnet': JSON.stringify({ ipv4: [subnet] }),
  ...more,
});

export const NO_RESERVED = { 4: AddressSet.empty(4), 6: AddressSet.empty(6) };

export class Cluster {
  readonly subnets = new Map<string, SpiderSubnet>();
  readonly pools = new Map<string, SpiderIPPool>();
  reserved = NO_RESERVED;
  #version = 0;

  constructor(subnets: readonly SpiderSubnet[]) {
    for (const subnet of subnets) this.subnets.set(subnet.metadata.name ?? '', this.#stamped(subnet));
  }

  ledgers(): Map<string, SubnetLedger> {
    return new Map(Array.from(this.subnets, ([name, subnet]) => [name, SubnetLedger.read(subnet)]));
  }

  index(): PoolIndex {
    return new PoolIndex([...this.pools.values()]);
  }

  /** The facts of a plan, with everything as it is now. */
  facts(
    app: Application,
    annotations: Record<string, string>,
    pods: number,
    more: Partial<ApplicationFacts> = {},
  ): ApplicationFacts {
    const request = readSubnetRequest(annotations, app, 0);
    return {
      application: app,
      living: { uid: app.uid, request, pods },
      asker: 'workload',
      ledgers: this.ledgers(),
      pools: this.index(),
      reserved: this.reserved,
      families: [4, 6],
      ...more,
    };
  }

  /** Plans and writes until there is nothing left to do. */
  settle(facts: () => ApplicationFacts): ApplicationPlan {
    for (let round = 0; round < 50; round++) {
      const plan = planApplicationPools(facts());
      const writes = [...plan.writes];
      const changed = [...plan.ledgers.values()].filter((ledger) => ledger.change() !== undefined);
      if (writes.length + changed.length === 0) return plan;
      for (const ledger of changed) this.storeLedger(ledger);
      for (const write of writes) this.write(write);
    }
    throw new Error('the plan never ends');
  }

  /** Repairs the bookings and the counts of all subnets. */
  repair(): void {
    for (const ledger of this.ledgers().values()) {
      const repaired = planSubnet(ledger, this.index());
      if (repaired.change() !== undefined) this.storeLedger(repaired);
    }
  }

  /** False if somebody else has written since the ledger was read. */
  storeLedger(ledger: SubnetLedger): boolean {
    const status = ledger.change();
    const stored = this.subnets.get(ledger.name);
    if (status === undefined || stored?.metadata.resourceVersion !== ledger.object.metadata.resourceVersion)
      return false;
    this.subnets.set(ledger.name, this.#stamped({ ...stored, status } as SpiderSubnet));
    return true;
  }

  /** False if a condition of the write does not hold, or admission refuses it. */
  write({ verb, pool }: PoolWrite): boolean {
    const name = pool.metadata.name ?? '';
    const stored = this.pools.get(name);
    if ((verb === 'create' || verb === 'update') && !this.#admits(pool, stored)) return false;
    if (verb === 'create') {
      if (stored !== undefined) return false;
      const { status: _, ...made } = pool;
      this.pools.set(
        name,
        this.#stamped({ ...made, metadata: { ...made.metadata, uid: `pool-${this.#version}` } }),
      );
      return true;
    }
    const { uid, resourceVersion } = pool.metadata;
    if (stored === undefined || stored.metadata.uid !== uid) return false;
    if (stored.metadata.resourceVersion !== resourceVersion) return false;
    if (verb === 'delete') {
      const metadata = { ...stored.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
      this.#storeOrRemove({ ...stored, metadata });
    } else if (verb === 'update') {
      this.#storeOrRemove({ ...pool, ...(stored.status !== undefined && { status: stored.status }) });
    } else {
      this.pools.set(
        name,
        this.#stamped({ ...stored, ...(pool.status !== undefined && { status: pool.status }) }),
      );
    }
    return true;
  }

  /** Gives the pod the lowest free address of the pool. Undefined if there is none. */
  allocate(name: string, podUid: string): string | undefined {
    const pool = this.pools.get(name);
    if (pool === undefined || pool.metadata.deletionTimestamp !== undefined) return undefined;
    const { addresses, inUse } = seePool(pool);
    const address = addresses.difference(inUse).first();
    if (address === undefined) return undefined;
    const text = formatAddress(address);
    this.#setRecords(pool, { ...recordsOf(pool), [text]: { pod: `default/${podUid}`, podUid } });
    return text;
  }

  release(name: string, address: string): void {
    const pool = this.pools.get(name);
    if (pool === undefined) return;
    const { [address]: _, ...records } = recordsOf(pool);
    this.#setRecords(pool, records);
  }

  ipsOf(name: string): string[] {
    return this.pools.get(name)?.spec?.ips ?? [];
  }

  /** @throws Error if an address is in two bookings, in a pool but not in its booking, or a pod's but not its pool's */
  check(): void {
    const must = (holds: boolean, message: string) => {
      if (!holds) throw new Error(message);
    };
    for (const ledger of this.ledgers().values()) {
      const sum = Array.from(ledger.bookings.values(), ({ held }) => held.count).reduce((a, b) => a + b, 0n);
      const counted = ledger.object.status?.allocatedIPCount ?? 0;
      must(
        BigInt(counted) === sum,
        `${ledger.name} counts ${counted} of ${sum}: two bookings share an address`,
      );
      for (const pool of this.index().in(ledger).filter(isAutomatic)) {
        const { name, uid, addresses, inUse } = seePool(pool);
        const booking = ledger.bookings.get(name);
        const held = booking?.uid === uid ? booking.held : AddressSet.empty(ledger.family);
        const has = `${name} has ${addresses.format().join()}`;
        must(held.containsAll(addresses), `${has} and books ${held.format().join()}`);
        must(addresses.containsAll(inUse), `${has} and pods hold ${inUse.format().join()}`);
      }
    }
  }

  #admits(pool: SpiderIPPool, old: SpiderIPPool | undefined): boolean {
    const families = [4, 6] as const;
    const subnets = [...this.subnets.values()];
    const issues = [
      ...validatePool(pool, this.pools.values(), { old, families }),
      ...validatePoolInSubnet(pool, old, subnets),
    ];
    return issues.length === 0;
  }

  #setRecords(pool: SpiderIPPool, records: object): void {
    const count = Object.keys(records).length;
    const { allocatedIPs: _, ...status } = pool.status ?? {};
    const text = count === 0 ? {} : { allocatedIPs: JSON.stringify(records) };
    const changed = { ...pool, status: { ...status, ...text, allocatedIPCount: count } };
    this.pools.set(pool.metadata.name ?? '', this.#stamped(changed));
  }

  #storeOrRemove(pool: SpiderIPPool): void {
    const name = pool.metadata.name ?? '';
    const { deletionTimestamp, finalizers = [] } = pool.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.pools.delete(name);
    else this.pools.set(name, this.#stamped(pool));
  }

  #stamped<T extends KubeObject>(object: T): T {
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
  }
}

export function recordsOf(pool: SpiderIPPool): Record<string, unknown> {
  return JSON.parse(pool.status?.allocatedIPs ?? '{}') as Record<string, unknown>;
}

/** How the subnet's status says what the application's pools have. */
export function controlled(cluster: Cluster, subnet: string): unknown {
  return JSON.parse(cluster.subnets.get(subnet)?.status?.controlledIPPools ?? 'null');
}
