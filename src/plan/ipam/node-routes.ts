// Finds routes of a pool to a node's own address. The coordinator makes that route itself, so every ADD would fail.

import type { Node, SpiderIPPool } from '#api';
import { type Address, hostCidr, sameCidr, tryParseAddress } from '#ip';
import { readPoolNetwork } from './pool-network.ts';
import type { AdmissionIssue } from './validate-network.ts';

/** One issue for each host route to an InternalIP of a node. A route that is already in `old` may stay. */
export function nodeRouteIssues(
  { spec }: SpiderIPPool,
  nodes: Iterable<Node>,
  old: SpiderIPPool | undefined,
): AdmissionIssue[] {
  const written = spec?.routes ?? [];
  if (spec === undefined || written.length === 0) return [];
  const kept = new Set((old?.spec?.routes ?? []).map(({ dst }) => dst));
  const addresses = [...nodes].flatMap((node) =>
    internalAddresses(node).map((address) => ({ node, address })),
  );
  return written.flatMap(({ dst, gw }, index) => {
    if (kept.has(dst)) return [];
    // Each route is read alone, so that the issue names the field of this route.
    const [route] = readPoolNetwork({ ...spec, routes: [{ dst, gw }] }, [])?.routes ?? [];
    if (route === undefined) return [];
    const hit = addresses.find(({ address }) => sameCidr(hostCidr(address), route.destination));
    if (hit === undefined) return [];
    const message = `is the address of node ${hit.node.metadata.name}: remove this route, because pods reach their node through veth0`;
    return [{ field: `spec.routes[${index}].dst`, value: dst, message }];
  });
}

function internalAddresses({ status }: Node): Address[] {
  return (status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => tryParseAddress(address))
    .filter((address) => address !== undefined);
}
