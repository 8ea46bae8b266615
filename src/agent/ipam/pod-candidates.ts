// The candidate pools of each NIC of a pod. The pod's annotations, its namespace, the configuration and the node
// decide.

import { type Namespace, type Pod, parseSpiderpoolIpam } from '#api';
import type { AllocationRequest } from '#cni';
import type { Cidr, Family } from '#ip';
import {
  type AutomaticPools,
  type FamilyCandidates,
  filterCandidates,
  type LeftAddress,
  type NicCandidates,
  type PodHolder,
  refuseUnservedFamily,
  requestCandidates,
  selectCandidates,
  takesOver,
} from '#plan/ipam';
import { type Application, labelsWithApplication } from '#plan/subnet';
import type { ClusterView } from '../cluster-view.ts';
import type { NicClaims } from './nic-claims.ts';
import type { PodNetworks } from './pod-facts.ts';
import { addressRequests } from './pod-requests.ts';

/** What is the same for all pods of an agent. */
export interface CandidateDefaults {
  /** The default namespace for NetworkAttachmentDefinitions that are named without one. */
  readonly agentNamespace: string;
  /** The families that the configuration enables. */
  readonly families: readonly Family[];
  /** Multus' `clusterNetwork`, if the configuration names it. */
  readonly clusterNetwork?: string;
}

/** The pod that needs candidates, and what is known about it. */
export interface CandidateQuestion extends CandidateDefaults {
  readonly request: AllocationRequest;
  readonly pod: Pod;
  readonly podNetworks: PodNetworks;
  readonly namespace: Namespace;
  readonly view: ClusterView;
  /** The addresses of the parent of the request's NIC, if pools must match them. */
  readonly parentNetworks: readonly Cidr[] | undefined;
  readonly holder: PodHolder;
  readonly claims: NicClaims;
  /** The pod's application and its automatic pools. Undefined if the pod asks for none. */
  readonly automatic?:
    | { readonly application: Application; readonly pools: readonly AutomaticPools[] }
    | undefined;
  /** The pool of the NIC's address of this family, if the NIC holds one. */
  readonly poolHolding: (nic: string, family: Family) => string | undefined;
  /** What an earlier pod of the holder's name left for the NIC. Undefined if the addresses are not fixed. */
  readonly left: (nic: string, family: Family) => LeftAddress | undefined;
}

/** The pools to try. A NIC that holds an address keeps its pool, even if filters exclude that pool now. */
export function podCandidates(question: CandidateQuestion): NicCandidates[] {
  const { request, pod, namespace, view, families, agentNamespace, poolHolding, parentNetworks } = question;
  const { catalog } = view;
  const options = parseSpiderpoolIpam(request.conf);
  const { nics, networks } = question.podNetworks;
  const requestOf = addressRequests(pod, request, question.podNetworks);
  const candidates = selectCandidates({
    nic: request.interfaceName,
    nics,
    podAnnotations: pod.metadata.annotations ?? {},
    automatic: question.automatic?.pools,
    namespaceAnnotations: namespace.metadata.annotations ?? {},
    configuration: {
      pools: { 4: options.default_ipv4_ippool ?? [], 6: options.default_ipv6_ippool ?? [] },
      cleanGateway: options.clean_gateway,
    },
    catalog,
    families,
  });
  const context = {
    podLabels: labelsWithApplication(pod.metadata.labels ?? {}, question.automatic?.application),
    namespace: { name: request.podNamespace, labels: namespace.metadata.labels ?? {} },
    node: { name: view.nodeName, labels: view.nodeLabels },
    networks,
    agentNamespace,
    ...(parentNetworks !== undefined && { parent: { nic: request.interfaceName, networks: parentNetworks } }),
  };
  return candidates.map((candidate) => {
    const { nic } = candidate;
    const asked = requestOf(nic);
    const fixedTo = question.claims.has(nic) ? 'IPAMClaim' : question.holder.fixedTo;
    const holding = new Map(candidate.families.map(({ family }) => [family, poolHolding(nic, family)]));
    const holdsNothing = [...holding.values()].every((pool) => pool === undefined);
    if (holdsNothing) refuseUnservedFamily(candidate, asked, families);
    return {
      ...candidate,
      families: candidate.families.flatMap((one) => {
        const { pools: named } = one;
        const serving = (): readonly FamilyCandidates[] => {
          const requested = asked[one.family];
          const wanted = requested === undefined ? one : { ...one, requested };
          const held = holding.get(one.family);
          if (held !== undefined) return [{ ...wanted, pools: [held] }];
          const left = question.left(nic, one.family);
          if (left !== undefined && takesOver(left, fixedTo, nic, wanted, catalog, context)) {
            return [{ ...one, pools: [left.pool] }];
          }
          if (requested !== undefined)
            return [requestCandidates(candidate, one, requested, catalog, context)];
          return filterCandidates([{ ...candidate, families: [one] }], catalog, context).flatMap(
            (filtered) => filtered.families,
          );
        };
        return serving().map((family) => ({ ...family, named }));
      }),
    };
  });
}
