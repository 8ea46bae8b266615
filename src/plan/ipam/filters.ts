// Which candidate pools serve this pod on this NIC, and why the others do not.

import { type LabelSelector, type Labels, selectorMatches } from '#api';
import { errorText, OrbError } from '#base';
import { type Cidr, cidrContains, type Family, formatCidr } from '#ip';
import type { NicCandidates } from './candidates.ts';
import type { PoolCatalog } from './catalog.ts';
import { closedReason, type Pool } from './pool.ts';

/** The properties of a pod by which pools select the pods they serve. */
export interface FilterContext {
  readonly podLabels: Labels;
  readonly namespace: { readonly name: string; readonly labels: Labels };
  readonly node: { readonly name: string; readonly labels: Labels };
  /** The NetworkAttachmentDefinition of each NIC as `namespace/name`, if it has one. */
  readonly networks: ReadonlyMap<string, string>;
  /** The NIC whose pools must have the network of its parent interface, and the addresses of that interface. */
  readonly parent?: { readonly nic: string; readonly networks: readonly Cidr[] };
  /** The namespace of a `multusName` without a namespace. */
  readonly agentNamespace: string;
}

/**
 * The candidates without the pools that do not serve the NIC, and why those do not. If no pool of a family is left, the
 * error names each pool's reason.
 */
export function filterCandidates(
  candidates: readonly NicCandidates[],
  catalog: PoolCatalog,
  context: FilterContext,
): NicCandidates[] {
  return candidates.map((candidate) => ({
    ...candidate,
    families: candidate.families.map(({ family, pools }) => {
      const reasons: string[] = [];
      const kept = pools.filter((name) => {
        const pool = catalog.pools.get(name);
        const reason =
          pool === undefined
            ? (catalog.broken.get(name)?.message ?? `IPPool ${name} not found`)
            : filterReason(pool, candidate.nic, family, context);
        if (reason !== undefined) reasons.push(reason);
        return reason === undefined;
      });
      if (kept.length === 0) throw allFiltered(candidate.nic, family, pools, reasons);
      return { family, pools: kept, ...(reasons.length > 0 && { leftOut: reasons }) };
    }),
  }));
}

/** Why the pool does not serve the NIC. Undefined if it does. The checks have Spiderpool's order. */
export function filterReason(
  pool: Pool,
  nic: string,
  family: Family,
  context: FilterContext,
): string | undefined {
  return closedReason(pool) ?? unservedReason(pool, nic, family, context);
}

/** The same, also for a pool that gives out no new address. */
export function unservedReason(
  pool: Pool,
  nic: string,
  family: Family,
  context: FilterContext,
): string | undefined {
  const { audience, name } = pool;
  if (pool.family !== family) {
    return `expect an IPv${family} IPPool, but the version of the IPPool ${name} is IPv${pool.family}`;
  }
  return (
    namedOr(name, 'Node', context.node, audience.nodeName, audience.nodeAffinity) ??
    namedOr(name, 'Namespace', context.namespace, audience.namespaceName, audience.namespaceAffinity) ??
    unmatchedLabels(name, 'Pod', context.podLabels, audience.podAffinity) ??
    unmatchedNetwork(pool, nic, context) ??
    unmatchedParent(pool, nic, context)
  );
}

/** A list with names decides alone. Without names, the selector decides. */
function namedOr(
  pool: string,
  kind: string,
  object: { readonly name: string; readonly labels: Labels },
  names: readonly string[] | undefined,
  selector: LabelSelector | undefined,
): string | undefined {
  if (names === undefined || names.length === 0) return unmatchedLabels(pool, kind, object.labels, selector);
  if (names.includes(object.name)) return undefined;
  return `unmatched ${kind} name ${object.name}, IPPool ${pool} serves [${names.join(' ')}]`;
}

function unmatchedLabels(
  pool: string,
  kind: string,
  labels: Labels,
  selector: LabelSelector | undefined,
): string | undefined {
  if (selector === undefined) return undefined;
  try {
    if (selectorMatches(selector, labels)) return undefined;
  } catch (error) {
    return `IPPool ${pool} has an invalid ${kind} selector: ${errorText(error)}`;
  }
  return `unmatched ${kind} selector, IPPool ${pool} serves ${JSON.stringify(selector)}`;
}

function unmatchedNetwork(
  pool: Pool,
  nic: string,
  { networks, agentNamespace }: FilterContext,
): string | undefined {
  const { multusName } = pool.audience;
  if (multusName === undefined || multusName.length === 0) return undefined;
  const network = networks.get(nic);
  const served = multusName.map((name) => (name.includes('/') ? name : `${agentNamespace}/${name}`));
  if (network !== undefined && served.includes(network)) return undefined;
  const actual = network === undefined ? 'no network known to Multus' : network;
  return `interface ${nic} has ${actual}, IPPool ${pool.name} serves Multus networks [${served.join(' ')}]`;
}

/** `matchMasterSubnet`: an address of the parent interface is in the pool's subnet. */
function unmatchedParent({ name, subnet }: Pool, nic: string, { parent }: FilterContext): string | undefined {
  if (parent?.nic !== nic || parent.networks.some(({ address }) => cidrContains(subnet, address)))
    return undefined;
  const addresses = parent.networks.map(formatCidr).join(' ');
  return `the parent interface of ${nic} has the addresses [${addresses}], and IPPool ${name} has the subnet ${formatCidr(subnet)}`;
}

function allFiltered(
  nic: string,
  family: Family,
  pools: readonly string[],
  reasons: readonly string[],
): OrbError {
  const message = `no IPPool available, all IPv${family} IPPools [${pools.join(' ')}] of ${nic} filtered out: [${reasons.join(', ')}]`;
  return new OrbError('IPPOOL_UNSUITABLE', { message, subject: `NIC ${nic}` });
}
