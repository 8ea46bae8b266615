// Which pools each NIC of a pod may use. The first source that names pools decides. Lower sources are not merged.

import { OrbError } from '#base';
import type { Family } from '#ip';
import {
  type Annotations,
  IPPOOL_ANNOTATION,
  IPPOOLS_ANNOTATION,
  type NamedPools,
  type NicPools,
  readIPPool,
  readIPPools,
  readNamespacePools,
  subnetAnnotations,
} from './annotations.ts';
import { type PoolCatalog, poolsWhere } from './catalog.ts';
import { isPattern, patternMatcher } from './pool-pattern.ts';
import type { RequestedAddress } from './requested-address.ts';

/** The input of the choice of pools. */
export interface CandidateSources {
  /** The NIC of the current CNI call. */
  readonly nic: string;
  /**
   * The NICs of the pod in order. The first is Multus' default network. Unnamed entries of `ippools` are assigned to
   * them in order.
   */
  readonly nics: readonly string[];
  readonly podAnnotations: Annotations;
  /** The automatic pools of the pod's application, if its annotations ask for them. No other source counts then. */
  readonly automatic?: readonly AutomaticPools[] | undefined;
  readonly namespaceAnnotations: Annotations;
  /** `default_ipv4_ippool`, `default_ipv6_ippool` and `clean_gateway` of the CNI configuration. */
  readonly configuration: { readonly pools: NamedPools; readonly cleanGateway: boolean };
  readonly catalog: PoolCatalog;
  /** The families that are enabled. */
  readonly families: readonly Family[];
}

/** The automatic pools of one NIC. */
export type AutomaticPools = Pick<NicPools, 'pools'> & { readonly nic: string };

/** The candidate pools of one family, in the order in which they are tried. */
export interface FamilyCandidates {
  readonly family: Family;
  readonly pools: readonly string[];
  /** All pools that the source names, also those that are left out. Undefined if they are the same. */
  readonly named?: readonly string[];
  /** Why other pools of the source are not among them. For messages. */
  readonly leftOut?: readonly string[];
  /** Only this address of the pools will do. */
  readonly requested?: RequestedAddress;
}

/** The candidates of one NIC. */
export interface NicCandidates {
  readonly nic: string;
  /** Whether the NIC gets no default route. */
  readonly cleanGateway: boolean;
  /** Where the pools were named. For messages and logs. */
  readonly source: string;
  readonly families: readonly FamilyCandidates[];
}

/** The candidates of all NICs that are allocated together, including the current NIC. */
export function selectCandidates(sources: CandidateSources): NicCandidates[] {
  const { automatic, podAnnotations, configuration } = sources;
  if (automatic !== undefined) {
    const { cleanGateway } = configuration;
    const key = subnetAnnotations.find((candidate) => podAnnotations[candidate] !== undefined);
    return nicCandidates(
      automatic.map((entry) => ({ ...entry, cleanGateway })),
      `Pod annotation ${key}`,
      sources,
    );
  }
  const perNic = readIPPools(podAnnotations);
  if (perNic !== undefined) return nicCandidates(perNic, `Pod annotation ${IPPOOLS_ANNOTATION}`, sources);
  const { source, pools } = poolsOfOneNic(sources);
  return [expand(sources.nic, sources.configuration.cleanGateway, source, pools, sources)];
}

function nicCandidates(
  entries: readonly NicPools[],
  source: string,
  sources: CandidateSources,
): NicCandidates[] {
  // Multus gives NICs without a name the names net1, net2 … in the order of the networks.
  const named = entries.map((entry, index) => entry.nic ?? sources.nics[index] ?? `net${index}`);
  if (!named.includes(sources.nic)) {
    const message = `${source}: interface ${sources.nic} must be specified; it has ${named.join(', ')}`;
    throw new OrbError('INPUT_INVALID', { message, subject: source });
  }
  return entries.map((entry, index) =>
    expand(named[index] as string, entry.cleanGateway, source, entry.pools, sources),
  );
}

/** The sources that do not distinguish between NICs. The first one with pools decides. */
function poolsOfOneNic(sources: CandidateSources): { source: string; pools: NamedPools } {
  const { podAnnotations, namespaceAnnotations, configuration, catalog } = sources;
  const fromPod = readIPPool(podAnnotations);
  if (fromPod !== undefined) return { source: `Pod annotation ${IPPOOL_ANNOTATION}`, pools: fromPod };
  const fromNamespace = readNamespacePools(namespaceAnnotations);
  if (fromNamespace !== undefined) return { source: 'Namespace annotation', pools: fromNamespace };
  if (configuration.pools[4].length + configuration.pools[6].length > 0) {
    return { source: 'CNI configuration', pools: configuration.pools };
  }
  const defaults = (family: Family) =>
    poolsWhere(catalog, family, (pool) => pool.isDefault).map(({ name }) => name);
  const pools = { 4: defaults(4), 6: defaults(6) };
  if (pools[4].length + pools[6].length === 0) {
    const message = 'no IPPool available, no pool selection rules of any type are specified';
    throw new OrbError('IPPOOL_NOT_FOUND', { message, subject: `NIC ${sources.nic}` });
  }
  return { source: 'cluster default pools', pools };
}

function expand(
  nic: string,
  cleanGateway: boolean,
  source: string,
  pools: NamedPools,
  { families, catalog }: CandidateSources,
): NicCandidates {
  const asked = ([4, 6] as const).filter((family) => pools[family].length > 0);
  const served = asked.filter((family) => families.includes(family));
  if (served.length === 0) {
    const message = `no Interface ${nic} IP allocation found: ${source} names only IPv${asked.join(' and IPv')} pools, but the cluster has that family disabled`;
    throw new OrbError('IPPOOL_UNSUITABLE', { message, subject: `NIC ${nic}` });
  }
  return {
    nic,
    cleanGateway,
    source,
    families: served.map((family) => ({
      family,
      pools: expandNames(pools[family], family, nic, source, catalog),
    })),
  };
}

/** The names, with each wildcard replaced by the matching pools. The user's order stays (Spiderpool loses it). */
function expandNames(
  names: readonly string[],
  family: Family,
  nic: string,
  source: string,
  catalog: PoolCatalog,
): string[] {
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate !== undefined) {
    const message = `wrong input, duplicate IPPool ${duplicate} specified for NIC ${nic}`;
    throw new OrbError('INPUT_INVALID', { message, subject: source });
  }
  const expanded = names.flatMap((name) => {
    if (!isPattern(name)) return requirePool(name, nic, source, catalog);
    const matches = patternMatcher(name);
    return poolsWhere(catalog, family, (pool) => matches(pool.name)).map((pool) => pool.name);
  });
  if (expanded.length === 0) {
    const message = `no IPPool available, no IPv${family} IPPool matches [${names.join(' ')}], which ${source} names for NIC ${nic}`;
    throw new OrbError('IPPOOL_NOT_FOUND', { message, subject: `NIC ${nic}` });
  }
  return [...new Set(expanded)];
}

function requirePool(name: string, nic: string, source: string, { pools, broken }: PoolCatalog): string {
  if (pools.has(name) || broken.has(name)) return name;
  const message = `spiderippools.spiderpool.spidernet.io "${name}" not found: ${source} names it for NIC ${nic}`;
  throw new OrbError('IPPOOL_NOT_FOUND', { message, subject: `SpiderIPPool ${name}` });
}
