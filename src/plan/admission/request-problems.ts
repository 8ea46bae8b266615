// What can be known of a pod's requests for addresses before it has a node: whether any pool can serve them. Only ADD
// knows who holds an address at that moment.

import type { Pod, SpiderIPPool } from '#api';
import { errorText, isOrbError } from '#base';
import type { Family } from '#ip';
import {
  type Annotations,
  catalogPools,
  IPS_ANNOTATION,
  type NicCandidates,
  type PoolCatalog,
  readAddressRequest,
  readIPPool,
  readIPPools,
  readIps,
  readNamespacePools,
  refuseUnservedFamily,
  requestCandidates,
  selectCandidates,
} from '#plan/ipam';
import { asksForSubnets } from '#plan/subnet';

export interface RequestKnowledge {
  readonly namespaceAnnotations: Annotations;
  readonly pools: Iterable<SpiderIPPool>;
  /** The families that are enabled. */
  readonly families: readonly Family[];
}

/** Why requests of the annotation {@link IPS_ANNOTATION} will be refused. Other wrong annotations are not named again. */
export function requestProblems({ metadata }: Pick<Pod, 'metadata'>, knowledge: RequestKnowledge): string[] {
  const { annotations = {} } = metadata;
  const requests = unlessRefused(() => readIps(annotations), []) ?? new Map<string, never>();
  return [...requests].flatMap(([nic, asked]) => {
    const problems: string[] = [];
    unlessRefused(() => refuseUnserved(nic, asked, annotations, knowledge), problems);
    return problems;
  });
}

function refuseUnserved(
  nic: string,
  asked: string | readonly string[],
  podAnnotations: Annotations,
  { namespaceAnnotations, pools, families }: RequestKnowledge,
): void {
  const request = readAddressRequest({ [`annotation ${IPS_ANNOTATION} of ${nic}`]: asked });
  // Automatic pools may not exist yet.
  if (asksForSubnets(podAnnotations)) return;
  const catalog = catalogPools(pools);
  const sources = { nic, nics: [nic], podAnnotations, namespaceAnnotations, catalog, families };
  const configuration = { pools: { 4: [], 6: [] }, cleanGateway: false };
  const select = () =>
    namesPools(podAnnotations, namespaceAnnotations)
      ? selectCandidates({ ...sources, configuration })
      : [anyPool(nic, catalog, families)];
  const candidates: NicCandidates[] = unlessRefused(select, []) ?? [];
  for (const candidate of candidates.filter((one) => one.nic === nic)) {
    refuseUnservedFamily(candidate, request, families);
    for (const one of candidate.families) {
      const requested = request[one.family];
      if (requested !== undefined) requestCandidates(candidate, one, requested, catalog);
    }
  }
}

function namesPools(podAnnotations: Annotations, namespaceAnnotations: Annotations): boolean {
  const named =
    readIPPools(podAnnotations) ?? readIPPool(podAnnotations) ?? readNamespacePools(namespaceAnnotations);
  return named !== undefined;
}

/** The CNI configuration may name any pool of the cluster. */
function anyPool(nic: string, catalog: PoolCatalog, families: readonly Family[]): NicCandidates {
  const all = [...catalog.pools.values()];
  return {
    ...{ nic, cleanGateway: false, source: 'the cluster' },
    families: families
      .map((family) => ({
        family,
        pools: all.filter((pool) => pool.family === family).map(({ name }) => name),
      }))
      .filter((one) => one.pools.length > 0),
  };
}

function unlessRefused<T>(read: () => T, problems: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isOrbError(error)) throw error;
    problems.push(errorText(error));
    return undefined;
  }
}
