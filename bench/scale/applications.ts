// Applications that ask for addresses of a subnet, and how long it takes until all their pods have one.

import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import type { BenchCluster } from './cluster.ts';
import { runLoads, startLoads } from './scenario.ts';

const APPLICATIONS = 100;
const PODS = 10;
const AGENTS = 10;
const PODS_PER_AGENT = (APPLICATIONS * PODS) / AGENTS;

let runs = 0;

/**
 * Seconds until 1,000 pods of 100 Deployments have addresses. With `ready`, the pools of the Deployments exist before.
 * Otherwise the subnet is made at the moment when the pods ask: the controller and the agents make the pools then.
 */
export async function runApplications(cluster: BenchCluster, ready: boolean): Promise<number> {
  const run = runs++;
  const subnet = `apps-${process.pid}-${run}`;
  const network = `10.${100 + run}`;
  const nodes = Array.from({ length: AGENTS }, (_, index) => `${subnet}-n${index}`);
  await cluster.makeApplications({ subnet, nodes, applications: APPLICATIONS, pods: PODS });
  const load = { podsPerAgent: PODS_PER_AGENT, parallel: 4, releases: false };
  const order = {
    kubeconfig: cluster.kubeconfig,
    writer: 'leader',
    nics: [{ name: 'eth0', ipv4: [], ipv6: [] }],
    load,
    limitMs: 120_000,
  } as const;
  const loads = await startLoads(order, nodes);
  const makeSubnet = () =>
    cluster.client.create(resources.spiderSubnets, {
      metadata: { name: subnet },
      spec: { ipVersion: 4, subnet: `${network}.0.0/16`, ips: [`${network}.1.1-${network}.8.250`] },
    });
  if (ready) {
    await makeSubnet();
    while ((await poolsOf(cluster, network)).length < APPLICATIONS) await sleep(100);
  }
  const [, outcomes] = await Promise.all([ready ? undefined : makeSubnet(), runLoads(loads)]);
  const failures = outcomes.reduce((sum, outcome) => sum + outcome.failures, 0);
  const { firstFailure } = outcomes.find((outcome) => outcome.firstFailure !== undefined) ?? {};
  if (failures > 0) throw new Error(`${failures} pods got no address: ${firstFailure}`);
  await expectAddresses(cluster, network);
  return Math.max(...loads.flatMap(({ given }) => given.map(({ endMs }) => endMs))) / 1000;
}

/** Each pod has an address of its own, in a pool of exactly the size of its application. */
async function expectAddresses(cluster: BenchCluster, network: string): Promise<void> {
  const pools = await poolsOf(cluster, network);
  const records = pools.flatMap(({ status }) => Object.entries(JSON.parse(status?.allocatedIPs ?? '{}')));
  const addresses = new Set(records.map(([address]) => address));
  const wanted = APPLICATIONS * PODS;
  if (pools.length === APPLICATIONS && records.length === wanted && addresses.size === wanted) return;
  throw new Error(`${pools.length} pools have ${records.length} records of ${addresses.size} addresses`);
}

async function poolsOf(cluster: BenchCluster, network: string) {
  const { items } = await cluster.client.list(resources.spiderIPPools);
  return items.filter(({ spec }) => spec?.subnet.startsWith(`${network}.`) === true);
}
