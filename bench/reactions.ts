// How long the controller takes to react: a definition of a new SpiderMultusConfig, and a changed network of the cluster.

import { type ConfigMap, resources, type SpiderCoordinator, type SpiderMultusConfig } from '#api';
import { ifFound } from '#kube';
import { limitRow, percentile, type Row } from './row.ts';
import type { ServerChoice } from './scale/api-server.ts';
import { BenchCluster } from './scale/cluster.ts';

const NAMESPACE = 'kube-system';
/** How often it is asked whether the reaction is there. The wait is part of the figure. */
const POLL_MS = 2;
const LIMIT_MS = 200;

/** Measures from a client's write to the controller's, as the client sees them. */
export async function benchReactions(quick: boolean, server: ServerChoice): Promise<Row[]> {
  await using cluster = await BenchCluster.start(server);
  await cluster.startController();
  const count = quick ? 10 : 50;
  const definitions = await inTurn(count, (i) => definitionMs(cluster, `bench-${process.pid}-${i}`));
  await makeCoordinator(cluster);
  const networks = await inTurn(count, (i) => networkMs(cluster, `10.${i + 1}.0.0/16`));
  return [
    limitRow(
      'SpiderMultusConfig made : its definition is there, p95',
      'ms',
      percentile(definitions, 95),
      LIMIT_MS,
    ),
    limitRow(
      'network of the cluster changed : status of the SpiderCoordinator, p95',
      'ms',
      percentile(networks, 95),
      LIMIT_MS,
    ),
  ];
}

/** Without the first: a kube-apiserver that has just started needs two seconds for the first object of a custom kind. */
async function inTurn(count: number, measure: (i: number) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i <= count; i++) times.push(await measure(i));
  return times.slice(1);
}

async function definitionMs({ client }: BenchCluster, name: string): Promise<number> {
  const spec = { cniType: 'macvlan', macvlan: { master: ['eth0'], ippools: { ipv4: ['pool'] } } };
  const beganMs = performance.now();
  await client.create(resources.spiderMultusConfigs, {
    metadata: { namespace: NAMESPACE, name },
    spec,
  } as SpiderMultusConfig);
  await until(() =>
    ifFound(client.get(resources.networkAttachmentDefinitions, { namespace: NAMESPACE, name })),
  );
  return performance.now() - beganMs;
}

const ref = { namespace: NAMESPACE, name: 'kubeadm-config' };

async function makeCoordinator({ client }: BenchCluster): Promise<void> {
  await client.create<ConfigMap>(resources.configMaps, {
    metadata: ref,
    data: clusterConfiguration('10.0.0.0/16'),
  });
  const spec = { podCIDRType: 'cluster' };
  await client.create(resources.spiderCoordinators, {
    metadata: { name: 'default' },
    spec,
  } as SpiderCoordinator);
}

async function networkMs({ client }: BenchCluster, network: string): Promise<number> {
  const beganMs = performance.now();
  const body = { data: clusterConfiguration(network) };
  await client.patch(resources.configMaps, ref, { type: 'merge', body });
  await until(async () => {
    const { status } = await client.get(resources.spiderCoordinators, { name: 'default' });
    return status?.overlayPodCIDR?.[0] === network ? status : undefined;
  });
  return performance.now() - beganMs;
}

function clusterConfiguration(podSubnet: string): Record<string, string> {
  return { ClusterConfiguration: `networking: {podSubnet: ${podSubnet}, serviceSubnet: 10.96.0.0/12}` };
}

async function until(look: () => Promise<unknown>): Promise<void> {
  while ((await look()) === undefined) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
