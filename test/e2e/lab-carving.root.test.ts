// The lab's controller and its agents carve the pools of one SpiderSubnet at the same time: new pools, larger pools, smaller
// pools. Afterwards every count is right, and no address has two holders.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Deployment, type Pod, resources, type SpiderIPPool } from '#api';
import { silentLogger } from '#base';
import { AddressSet } from '#ip';
import { connect, kubeconfigFile } from '#kube';
import { until } from './program.ts';
import { RunningLab } from './running-lab.ts';

const SUBNET = 'contended';
const NETWORK = 'lan7';
const APPLICATIONS = ['a', 'b', 'c', 'd'];
/** Above each pool's pods. */
const SPARE = 1;
const MOST_PODS = 6;
/** Exactly as many addresses as all applications need at most. */
const ADDRESSES = APPLICATIONS.length * (MOST_PODS + SPARE);
const PATIENCE_MS = 120_000;
const namespace = 'default';

describe('the controller and agents carve one subnet', () => {
  let lab: RunningLab;
  let client: ReturnType<typeof connect>;

  before(async () => {
    lab = await RunningLab.start();
    client = connect(kubeconfigFile(lab.kubeconfig), { log: silentLogger });
    const ipam = { type: 'spiderpool' };
    const plugins = [{ type: 'macvlan', master: 'ens192', mode: 'bridge', ipam }, { type: 'coordinator' }];
    await client.create(resources.networkAttachmentDefinitions, {
      metadata: { namespace: 'kube-system', name: NETWORK },
      spec: { config: JSON.stringify({ cniVersion: '0.3.1', name: NETWORK, plugins }) },
    });
    const ips = [`10.7.168.1-10.7.168.${ADDRESSES}`];
    const spec = { ipVersion: 4 as const, subnet: '10.7.0.0/16', gateway: '10.7.0.1', ips };
    await client.create(resources.spiderSubnets, { metadata: { name: SUBNET }, spec });
  });

  after(async () => {
    client.close();
    await lab.stop();
  });

  /**
   * Does it while the controller is stopped. The controller goes on when an agent has carved first, so that it meets agents
   * that are at work.
   */
  async function behindTheController(change: () => Promise<void>, hasBegun: () => Promise<boolean>) {
    const controller = lab.processOf('controller.mjs');
    process.kill(controller, 'SIGSTOP');
    try {
      await change();
      await until('an agent carves', hasBegun);
    } finally {
      process.kill(controller, 'SIGCONT');
    }
  }

  function makeApplication(name: string, replicas: number): Promise<Deployment> {
    const annotations = {
      'ipam.spidernet.io/subnet': JSON.stringify({ ipv4: [SUBNET] }),
      'ipam.spidernet.io/ippool-ip-number': `+${SPARE}`,
      'v1.multus-cni.io/default-network': `kube-system/${NETWORK}`,
    };
    const labels = { app: name };
    const template = {
      metadata: { annotations, labels },
      spec: { containers: [{ name: 'c', image: 'i:1' }], terminationGracePeriodSeconds: 0 },
    };
    const spec = { replicas, selector: { matchLabels: labels }, template };
    return client.create(resources.deployments, { metadata: { namespace, name }, spec });
  }

  async function scaleAll(replicas: number): Promise<void> {
    const body = { spec: { replicas } };
    await Promise.all(
      APPLICATIONS.map((name) =>
        client.patch(resources.deployments, { namespace, name }, { type: 'merge', body }),
      ),
    );
  }

  async function pools(): Promise<SpiderIPPool[]> {
    const { items } = await client.list(resources.spiderIPPools);
    return items.filter(({ spec }) => spec?.subnet === '10.7.0.0/16');
  }

  async function podsOf(name: string): Promise<Pod[]> {
    return (await client.list(resources.pods, { labelSelector: `app=${name}` })).items;
  }

  /** What the cluster has, in the words of {@link wanted}. */
  async function found() {
    const applications = await Promise.all(
      APPLICATIONS.map(async (name) => {
        const own = (await pools()).filter(
          ({ metadata }) => metadata.labels?.['ipam.spidernet.io/owner-application-name'] === name,
        );
        const pods = (await podsOf(name)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        const of = pods.map(({ status, metadata }) => [status?.podIP, `${namespace}/${metadata.name}`]);
        return {
          running: pods.filter(({ status }) => status?.phase === 'Running').length,
          pools: own.map(({ status }) => [status?.totalIPCount, status?.allocatedIPCount]),
          held: own.flatMap((pool) => holders(pool)).toSorted(),
          given: of.toSorted(),
        };
      }),
    );
    const { status } = await client.get(resources.spiderSubnets, { name: SUBNET });
    const booked = Object.entries(
      JSON.parse(status?.controlledIPPools ?? '{}') as Record<string, { ips: string[] }>,
    );
    return {
      applications: applications.map(({ held, given, ...rest }) => ({
        ...rest,
        areRecordsRight: same(held, given),
      })),
      subnet: [status?.totalIPCount, status?.allocatedIPCount],
      booked: booked.map(([name, { ips }]) => `${name} ${ips.join()}`).toSorted(),
      shown: (await pools()).map(({ metadata, spec }) => `${metadata.name} ${spec?.ips?.join()}`).toSorted(),
    };
  }

  async function expectRight(replicas: number): Promise<void> {
    const size = replicas + SPARE;
    const application = { running: replicas, pools: [[size, replicas]], areRecordsRight: true };
    const wanted = {
      applications: APPLICATIONS.map(() => application),
      subnet: [ADDRESSES, APPLICATIONS.length * size],
    };
    let last: Awaited<ReturnType<typeof found>> | undefined;
    await until(
      'all counts are right',
      async () => {
        last = await found();
        const { applications, subnet, booked, shown } = last;
        return same({ applications, subnet }, wanted) && same(booked, shown);
      },
      PATIENCE_MS,
    ).catch((error: unknown) => {
      assert.deepEqual(last, { ...wanted, booked: last?.shown, shown: last?.shown });
      throw error;
    });
    assert.equal(sizeOf(...(await pools())), APPLICATIONS.length * size, 'no address is in two pools');
  }

  test('new pools: an agent makes the first ones, and the controller joins in', async () => {
    const make = async () => {
      await Promise.all(APPLICATIONS.map((name) => makeApplication(name, 3)));
    };
    await behindTheController(make, async () => (await pools()).length > 0);
    await expectRight(3);
  });

  test('larger pools: an agent enlarges the first ones until the subnet has no address left', async () => {
    const hasGrown = async () => (await pools()).some((pool) => sizeOf(pool) > 3 + SPARE);
    await behindTheController(() => scaleAll(MOST_PODS), hasGrown);
    await expectRight(MOST_PODS);
  });

  test('smaller pools: the controller takes addresses back, and then all pools', async () => {
    await scaleAll(2);
    await expectRight(2);
    await Promise.all(APPLICATIONS.map((name) => client.delete(resources.deployments, { namespace, name })));
    await until(
      'the subnet is whole again',
      async () => {
        const { status } = await client.get(resources.spiderSubnets, { name: SUBNET });
        return (await pools()).length === 0 && status?.allocatedIPCount === 0;
      },
      PATIENCE_MS,
    );
  });
});

function holders({ status }: SpiderIPPool): [string, string][] {
  const records = JSON.parse(status?.allocatedIPs ?? '{}') as Record<string, { pod: string }>;
  return Object.entries(records).map(([address, { pod }]) => [address, pod]);
}

/** How many addresses the pools have together. One that several have counts once. */
function sizeOf(...pools: readonly SpiderIPPool[]): number {
  return Number(
    AddressSet.parse(
      4,
      pools.flatMap(({ spec }) => spec?.ips ?? []),
    ).count,
  );
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
