// An import as a whole: the networks and pools, who holds which address, what stands in the way, and the steps.

import type {
  NetworkAttachmentDefinition,
  Pod,
  SpiderEndpoint,
  SpiderIPPool,
  WhereaboutsPool,
  WhereaboutsReservation,
} from '#api';
import { unreadableNote } from '#api';
import { errorText, isOrbError } from '#base';
import { PoolLedger } from '#plan/ipam';
import { gitOpsManagers } from '#plan/migration';
import { type Claims, whereaboutsClaims } from './claim.ts';
import { findHolders, type PoolHolders } from './holders.ts';
import { type HostLocalFile, hostLocalClaims } from './host-local-files.ts';
import { type SourceNetwork, sourceNetwork, withOurIpam } from './network.ts';
import { type SeenPod, seePods } from './pod-addresses.ts';
import type { ImportSource } from './source-conf.ts';
import { isImported, poolObstacles, poolsOfNetwork, type WantedPool, wantedPools } from './wanted-pools.ts';

/** What an import is planned with. */
export interface ImportFacts {
  readonly definitions: readonly NetworkAttachmentDefinition[];
  readonly pools: readonly SpiderIPPool[];
  readonly endpoints: readonly SpiderEndpoint[];
  readonly pods: readonly Pod[];
  readonly whereaboutsPools: readonly WhereaboutsPool[];
  readonly reservations: readonly WhereaboutsReservation[];
  /** What was read of host-local's files. */
  readonly files: readonly HostLocalFile[];
  /** By node that was read: the names of the networks' folders. None: the node had nothing to read. */
  readonly nodesRead: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether our agents are installed. */
  readonly isInstalled: boolean;
}

export interface ImportedNetwork extends SourceNetwork {
  readonly pools: readonly string[];
  /** The configuration with Orbweaver's IPAM. */
  readonly after: string;
}

/** `wanted`: it is not there yet. `closed`: it is there, and gives out no address. `open`: pods get addresses of it. */
export type ImportedPoolState = 'wanted' | 'closed' | 'open';

export interface ImportedPool extends WantedPool, PoolHolders {
  readonly state: ImportedPoolState;
  /** How many addresses of it are recorded already. */
  readonly recorded: number;
}

export interface ImportPlan {
  readonly source: ImportSource;
  readonly networks: readonly ImportedNetwork[];
  readonly pools: readonly ImportedPool[];
  /** Nodes with pods of these networks whose files were not read. Only for host-local. */
  readonly nodesMissing: readonly string[];
  /** `--apply` changes nothing while there is one. */
  readonly obstacles: readonly string[];
  readonly warnings: readonly string[];
  /** What the definitions ask for, and pods will not get. */
  readonly differences: readonly string[];
}

/** Undefined if no definition of the cluster uses the program. */
export function planImport(source: ImportSource, facts: ImportFacts): ImportPlan | undefined {
  const read = facts.definitions.flatMap((definition) => sourceNetwork(source, definition) ?? []);
  if (read.length === 0) return undefined;
  const networks = read.filter((one) => 'conf' in one);
  const wanted = wantedPools(source, networks);
  const { seen, problems } = seePods(facts.pods);
  const { ledgers, unreadable } = ledgersOf(facts.pools, wanted);
  const { claims, problems: lost } = claimsOf(source, facts, networks, seen);
  const { holders, conflicts } = findHolders(wanted, claims, seen, ledgers);
  const missing = source === 'host-local' ? nodesMissing(facts, networks, seen) : [];
  return {
    source,
    networks: networks.map((network) => {
      const pools = poolsOfNetwork(network, wanted);
      return { ...network, pools: [...pools[4], ...pools[6]], after: withOurIpam(network, source, pools) };
    }),
    pools: wanted.map((one, index) => ({
      ...one,
      ...(holders[index] as PoolHolders),
      state: stateOf(facts.pools.find(({ metadata }) => metadata.name === one.name)),
      recorded: ledgers.get(one.name)?.records.size ?? 0,
    })),
    nodesMissing: missing,
    obstacles: [
      ...read.flatMap((one) => ('problem' in one ? [`${one.name}: ${one.problem}`] : [])),
      ...networks.flatMap(ownerObstacle),
      ...poolObstacles(source, wanted, facts.pools),
      ...unreadable,
      ...lost,
      ...(source === 'host-local' ? foldersMissing(facts, networks, seen) : []),
      ...conflicts.map((text) => `${text}: restart one of them first`),
      ...(facts.isInstalled
        ? []
        : ['the agents of Orbweaver are not installed: no new pod would get a network']),
    ],
    warnings: [
      ...problems,
      ...gitOpsManagers(networks.map(({ definition }) => definition)).map(
        (name) => `${name} manages networks: change them there too, or it writes the old configuration again`,
      ),
      'configurations in files of the nodes, as in /etc/cni/net.d, are not seen: change them by hand',
    ],
    differences: networks.flatMap(({ name, conf }) =>
      conf.lost.map((field) => `${name}: ipam.${field} has no effect any more`),
    ),
  };
}

/** Whoever owns the definition writes it again. */
function ownerObstacle({ name, owner, isSwitched }: SourceNetwork): string[] {
  if (owner === undefined || isSwitched) return [];
  return [`${name} is written by ${owner.kind} ${owner.name}: change the IPAM there`];
}

function stateOf(pool: SpiderIPPool | undefined): ImportedPoolState {
  if (pool === undefined) return 'wanted';
  return pool.spec?.disable === true ? 'closed' : 'open';
}

function ledgersOf(pools: readonly SpiderIPPool[], wanted: readonly WantedPool[]) {
  const ledgers = new Map<string, PoolLedger>();
  const unreadable: string[] = [];
  for (const pool of pools) {
    const { name = '' } = pool.metadata;
    if (!wanted.some((one) => one.name === name)) continue;
    try {
      ledgers.set(name, PoolLedger.read(pool));
    } catch (error) {
      if (!isOrbError(error)) throw error;
      unreadable.push(`SpiderIPPool ${name} cannot be read: ${unreadableNote(pool) ?? errorText(error)}`);
    }
  }
  return { ledgers, unreadable };
}

function claimsOf(
  source: ImportSource,
  { whereaboutsPools, reservations, files }: ImportFacts,
  networks: readonly SourceNetwork[],
  pods: readonly SeenPod[],
): Claims {
  if (source === 'whereabouts') {
    const names = networks.flatMap(({ conf }) => conf.networkName ?? []);
    return whereaboutsClaims(whereaboutsPools, reservations, names);
  }
  const folders = new Set(networks.map(({ network }) => network));
  return hostLocalClaims(
    files.filter(({ network }) => folders.has(network)),
    pods,
  );
}

/** Nodes with a pod that has an address of the networks, and no files. */
function nodesMissing(
  { nodesRead }: ImportFacts,
  networks: readonly SourceNetwork[],
  pods: readonly SeenPod[],
): string[] {
  const names = new Set(networks.map(({ name }) => name));
  const nodes = pods
    .filter((pod) => [...pod.networks].some((name) => names.has(name)))
    .flatMap(({ node }) => (node === undefined || nodesRead.has(node) ? [] : [node]));
  return [...new Set(nodes)].toSorted();
}

/** Folders that a node with such a pod must have: something else was read, as with another `dataDir`. */
function foldersMissing(
  { nodesRead, endpoints }: ImportFacts,
  networks: readonly SourceNetwork[],
  pods: readonly SeenPod[],
): string[] {
  const ours = new Set(endpoints.flatMap(({ status }) => status?.current.uid ?? []));
  const texts = pods.flatMap(({ name: pod, uid, node = '', networks: attached }) => {
    const read = nodesRead.get(node);
    if (read === undefined || read.size === 0 || ours.has(uid)) return [];
    return networks
      .filter(({ name, network }) => attached.has(name) && !read.has(network))
      .map(({ network }) => `the data of node ${node} have no folder ${network}, which pod ${pod} uses`);
  });
  return texts.map((text) => `${text}: copy what ipam.dataDir names`);
}

/**
 * How long an ADD that read the old configuration may still get an address of the program, if it takes at most `settleMs`
 * from the last switch.
 */
export function settlesInMs(
  { networks }: Pick<ImportPlan, 'networks'>,
  settleMs: number,
  nowMs: number,
): number {
  const left = networks.map(({ switchedAtMs = nowMs }) => switchedAtMs + settleMs - nowMs);
  // The clock of another machine may have written a time in the future.
  return Math.min(settleMs, Math.max(0, ...left));
}

/** Pools that an import of this program has made. */
export function importedPools(source: ImportSource, { pools }: Pick<ImportFacts, 'pools'>): SpiderIPPool[] {
  return pools.filter((pool) => isImported(pool, source));
}
