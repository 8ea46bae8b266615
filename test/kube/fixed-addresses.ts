// The walk-through of examples/fixed-addresses: subnets, automatic pools of two applications on two NICs, scale, restart, deletion.

import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { until } from './command.ts';
import { probeIn } from './places.ts';
import { ask, type Cell, fault } from './reach.ts';
import type { ScenarioParts } from './scenario.ts';
import { allTraces } from './traces.ts';

const nics = ['eth0', 'net1'] as const;
/** Of overlays/fixed-addresses. */
const network = { eth0: '192.168.50.', net1: '192.168.60.' } as const;
const firstHost = 171;

interface PoolObject {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly totalIPCount?: number; readonly allocatedIPCount?: number };
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

type App = 'test-app' | 'test-app-2';

export async function playFixedAddresses(
  parts: Pick<ScenarioParts, 'cluster' | 'outcomes' | 'root'>,
): Promise<void> {
  const { cluster, outcomes, root } = parts;
  const manifests = ['-k', join(root, 'test/kube/overlays/fixed-addresses')];
  const check = (title: string, work: () => Promise<unknown>) =>
    outcomes.check(`examples/fixed-addresses: ${title}`, work);
  await check('each NIC of the application gets a pool of three addresses, and two are used', async () => {
    // Their network is now that of a subnet.
    await cluster.kubectl(['delete', 'spiderippool', 'lan-v4', 'lan-v6', '--timeout=30s']);
    await cluster.kubectl(['apply', ...manifests]);
    await untilUsed(cluster, 'test-app', 2, 3);
    await expectNics(cluster, 'test-app', 2);
  });
  await check('the pods reach one another on both NICs', () => expectReach(cluster, 'test-app'));
  await check('a second application gets pools of its own', async () => {
    await cluster.kubectl(['create', '-f', '-'], await secondApplication(cluster));
    await untilUsed(cluster, 'test-app-2', 2, 3);
    await untilCarved(cluster, 6);
  });
  await check('restarted pods have addresses of the same pools', async () => {
    const before = await poolsOf(cluster, 'test-app');
    await cluster.kubectl(['delete', 'pods', '-l', 'app=test-app', '--timeout=60s']);
    await untilUsed(cluster, 'test-app', 2, 3);
    const names = (pools: readonly PoolObject[]) => pools.map(({ metadata }) => metadata.name).join();
    const after = await poolsOf(cluster, 'test-app');
    if (names(after) !== names(before)) throw new Error(`${names(before)} became ${names(after)}`);
  });
  await check('the pools grow and shrink with the application, and keep one address more', async () => {
    for (const [replicas, carved] of [
      [3, 7],
      [2, 6],
    ] as const) {
      await cluster.kubectl(['scale', 'deployment', 'test-app', `--replicas=${replicas}`]);
      await untilUsed(cluster, 'test-app', replicas, replicas + 1);
      await untilCarved(cluster, carved);
    }
  });
  await check('pools of deleted applications go, and nothing is left on the nodes', async () => {
    const apps = ['deployment/test-app', 'deployment/test-app-2'];
    await cluster.kubectl(['delete', ...apps, '--cascade=foreground', '--timeout=60s']);
    await until('no trace', 60, async () => {
      const left = await allTraces(cluster);
      if (left.length > 0) throw new Error(left.join('\n'));
      return true;
    });
    await until('no pool of the applications', 60, async () => {
      const left = [...(await poolsOf(cluster, 'test-app')), ...(await poolsOf(cluster, 'test-app-2'))];
      if (left.length > 0) throw new Error(left.map(({ metadata }) => metadata.name).join());
      return true;
    });
    await untilCarved(cluster, 0);
  });
}

/** The pools of an application, by name. */
async function poolsOf(cluster: Cluster, app: App): Promise<PoolObject[]> {
  const { items } = (await cluster.get('spiderippools')) as { items: PoolObject[] };
  const name = new RegExp(`^auto\\d*-${app}-v4-(eth0|net1)-`);
  return items.filter(({ metadata }) => name.test(metadata.name));
}

/** Each pod has an address of each pool, and each pool has `size` addresses. */
async function untilUsed(cluster: Cluster, app: App, replicas: number, size: number): Promise<void> {
  await cluster.kubectl(['rollout', 'status', `deployment/${app}`, '--timeout=90s']);
  await until(`${app} has ${replicas} pods with addresses of pools of ${size}`, 60, async () => {
    const pools = await poolsOf(cluster, app);
    const found = pools.map(({ metadata, status }) => {
      return `${metadata.name}: ${status?.allocatedIPCount} of ${status?.totalIPCount}`;
    });
    const isRight = pools.every(({ status }) => {
      return status?.allocatedIPCount === replicas && status.totalIPCount === size;
    });
    if (pools.length !== nics.length || !isRight) throw new Error(found.join(', '));
    return true;
  });
}

/** How many addresses of each subnet are in pools. */
async function untilCarved(cluster: Cluster, count: number): Promise<void> {
  await until(`each subnet has given ${count} of its 10 addresses to pools`, 60, async () => {
    const { items } = (await cluster.get('spidersubnets')) as { items: PoolObject[] };
    const said = items.map(({ status }) => `${status?.allocatedIPCount ?? 0} of ${status?.totalIPCount}`);
    if (said.join() !== nics.map(() => `${count} of 10`).join()) throw new Error(said.join(', '));
    return true;
  });
}

async function podsOf(cluster: Cluster, app: App): Promise<PodObject[]> {
  const { items } = (await cluster.get('pods', '-l', `app=${app}`)) as { items: PodObject[] };
  return items;
}

/** The address of each NIC, as Multus shows it. */
function addressesOf({ metadata }: PodObject): Readonly<Record<string, string>> {
  const networks = JSON.parse(metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]') as {
    readonly interface?: string;
    readonly ips?: readonly string[];
  }[];
  return Object.fromEntries(networks.map(({ interface: nic = '', ips = [] }) => [nic, ips[0] ?? '']));
}

/** The lowest addresses of the subnets, each once. */
async function expectNics(cluster: Cluster, app: App, replicas: number): Promise<void> {
  const found = (await podsOf(cluster, app)).map(addressesOf);
  for (const nic of nics) {
    const own = found.map((addresses) => addresses[nic] ?? '').toSorted();
    const isRight = own.every((address) => {
      const host = Number(address.slice(network[nic].length));
      return address.startsWith(network[nic]) && host >= firstHost && host <= firstHost + replicas;
    });
    if (!isRight || new Set(own).size !== replicas) throw new Error(`${nic} of the pods: ${own.join(' ')}`);
  }
}

async function expectReach(cluster: Cluster, app: App): Promise<void> {
  const pods = await podsOf(cluster, app);
  const cells = pods.flatMap((from) =>
    pods
      .filter((to) => to !== from)
      .flatMap((to) =>
        nics.map(
          (nic): Cell => ({
            from: { name: from.metadata.name, probe: probeIn(cluster, from.metadata.name) },
            to: { name: `${nic} of ${to.metadata.name}` },
            protocol: 'tcp',
            address: addressesOf(to)[nic] ?? '',
            port: 80,
          }),
        ),
      ),
  );
  if (cells.length === 0) throw new Error(`no NIC of ${app} was tried`);
  await until('every NIC is reached', 30, async () => {
    const faults = (await ask(cells)).map(fault).filter((text) => text !== undefined);
    if (faults.length > 0) throw new Error([...new Set(faults)].join('\n'));
    return true;
  });
}

/** The same application under another name. */
async function secondApplication(cluster: Cluster): Promise<string> {
  const { spec } = (await cluster.get('deployment', 'test-app')) as {
    spec: { template: { metadata: object } & object } & object;
  };
  const labels = { app: 'test-app-2' satisfies App };
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: labels.app },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  });
}
