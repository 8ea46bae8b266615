// What admission changes in a SpiderCoordinator before it is checked and stored. Its schema has the defaults.

import type { SpiderCoordinator } from '#api';
import { isOrbError } from '#base';
import { formatCidr, hostCidr, networkOf, parseCidr, tryParseAddress } from '#ip';

/**
 * The coordinator with canonical networks: a single address is a network of one, and host bits are clear. Unreadable
 * texts stay, and the checks report them. It gets no finalizer (Spiderpool sets one that nothing removes).
 */
export function defaultCoordinator(coordinator: SpiderCoordinator): SpiderCoordinator {
  const { metadata, spec } = coordinator;
  if (metadata.deletionTimestamp !== undefined || spec === undefined) return coordinator;
  const { hijackCIDR, policyRoutes } = spec;
  return {
    ...coordinator,
    spec: {
      ...spec,
      ...(hijackCIDR !== undefined && { hijackCIDR: hijackCIDR.map(canonicalNetwork) }),
      ...(policyRoutes !== undefined && {
        policyRoutes: policyRoutes.map((route) => ({ ...route, dst: canonicalNetwork(route.dst) })),
      }),
    },
  };
}

function canonicalNetwork(text: string): string {
  const trimmed = text.trim();
  const address = tryParseAddress(trimmed);
  if (address !== undefined) return formatCidr(hostCidr(address));
  try {
    return formatCidr(networkOf(parseCidr(trimmed)));
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return text;
    throw error;
  }
}
