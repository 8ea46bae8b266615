// Ports of our own that this cluster has in the cloud: those that nobody has any more, and whose the others are.

import { resources } from '#api';
import { ifFound, type KubeClient } from '#kube';
import type { CloudClient } from '#openstack';
import { AGENTS, PROGRAM_LABEL } from '#plan/installation';
import {
  addressHolders,
  claimOn,
  isOfCluster,
  isOfNeutron,
  isPoolPortOf,
  ledgerOf,
  ledgerSubject,
  OWN_PORT_OWNER,
  POOL_PORT_OWNER,
  type PortClaims,
  pairsLeft,
} from '#plan/openstack';
import { counted } from '../number-text.ts';

export interface LeftPort {
  readonly id: string;
  readonly addresses: readonly string[];
}

export interface LeftPorts {
  /** No ledger and no pod has them. */
  readonly unclaimed: readonly LeftPort[];
  /** Whose the others are, in words. */
  readonly lines: readonly string[];
}

export interface LeftPortsParts {
  readonly client: KubeClient;
  readonly neutron: CloudClient['neutron'];
  /** A program that makes such ports runs: each node of the cluster may have a ledger. */
  readonly isRunning: boolean;
}

type Port = Awaited<ReturnType<CloudClient['neutron']['ports']>>[number];

export async function leftPorts(parts: LeftPortsParts): Promise<LeftPorts> {
  const { client, neutron } = parts;
  // Its UID is that of the cluster.
  const system = await ifFound(client.get(resources.namespaces, { name: 'kube-system' }));
  const cluster = system?.metadata.uid;
  if (cluster === undefined) return { unclaimed: [], lines: [] };
  // Nova writes its own owner on the port of a NIC, and none when the VM has lost it: so each port is looked at.
  const own = (await neutron.ports({})).filter(
    (port) => isOfCluster(port, cluster) || isPoolPortOf(port, cluster),
  );
  if (own.length === 0) return { unclaimed: [], lines: [] };
  const claims = await claimsOf(parts);
  const unclaimed: LeftPort[] = [];
  const lines: string[] = [];
  const counts = new Map<string, number>();
  let ofPools = 0;
  for (const port of own) {
    const claim = claimOn(port, claims);
    if (claim?.is === 'node') counts.set(claim.node, (counts.get(claim.node) ?? 0) + 1);
    else if (claim?.is === 'pool') ofPools += 1;
    else if (claim?.is === 'pod')
      lines.push(`port ${port.id} stays: pod ${claim.pod} has its address ${claim.address}`);
    else {
      const uses = [...nicLines(port), ...(await pairLines(port, neutron))];
      if (uses.length > 0) lines.push(...uses);
      else unclaimed.push({ id: port.id, addresses: port.fixed_ips.map(({ ip_address }) => ip_address) });
    }
  }
  for (const [node, count] of counts)
    lines.push(
      `node ${node} has ${counted(count, 'port')} for pods: its agent deletes them when Orbweaver is uninstalled`,
    );
  if (ofPools > 0)
    lines.push(
      `pools have ${counted(ofPools, 'port')}: the controller deletes them with the pool, or without its annotation`,
    );
  return { unclaimed, lines };
}

/** Agents of another namespace count too: the cluster is the same. One that starts anew has no pod for a while. */
async function claimsOf({ client, isRunning }: LeftPortsParts): Promise<PortClaims> {
  const { items: pods } = await client.list(resources.pods);
  const { items: daemonSets } = await client.list(resources.daemonSets);
  const agents = pods.filter(({ metadata }) => metadata.labels?.[PROGRAM_LABEL] === AGENTS);
  const nodes =
    isRunning || daemonSets.some(({ metadata }) => metadata.name === AGENTS)
      ? (await client.list(resources.nodes)).items.map(({ metadata }) => metadata.name ?? '')
      : agents.flatMap(({ spec }) => spec?.nodeName ?? []);
  const { items: ipPools } = isRunning ? await client.list(resources.spiderIPPools) : { items: [] };
  const pools = new Set(ipPools.filter(isOfNeutron).map(({ metadata }) => metadata.uid ?? ''));
  return { nodes, pools, pods: addressHolders(pods) };
}

/** A VM that is no node of the cluster any more has it. */
function nicLines({ id, device_owner: owner, device_id: server }: Port): string[] {
  if (owner === OWN_PORT_OWNER || owner === POOL_PORT_OWNER || server === '') return [];
  const remove = `openstack server remove port ${server} ${id}`;
  return [`port ${id} stays: it is a NIC of server ${server}. If nothing uses it: ${remove}`];
}

/** As long as a VM may send from the address, nobody else may get it. */
async function pairLines(port: Port, neutron: CloudClient['neutron']): Promise<string[]> {
  const subject = ledgerSubject(ledgerOf(port) ?? '');
  if (subject.mode !== 'address-pairs') return [];
  const sight = await neutron.port(subject.portId);
  if (sight.is === 'absent') return [];
  return pairsLeft(sight.value, port).map(({ ip_address, mac_address }) => {
    const unset = `openstack port unset --allowed-address ip-address=${ip_address},mac-address=${mac_address}`;
    return `port ${port.id} stays: nobody knows who added the pair ${ip_address} of port ${subject.portId}. If nothing uses it: ${unset} ${subject.portId}`;
  });
}
