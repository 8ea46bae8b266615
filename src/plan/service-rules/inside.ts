// The networks whose packets keep their source on the way to a ClusterIP, because the answers come back through this node.

import type { SpiderCoordinator } from '#api';
import { isOrbError } from '#base';
import { type Cidr, networkOf, parseCidr } from '#ip';

/** Those of overlay pods, as the controller has found them. */
export function insideNetworks(coordinator: SpiderCoordinator | undefined): Cidr[] {
  return (coordinator?.status?.overlayPodCIDR ?? []).flatMap((text) => {
    try {
      return networkOf(parseCidr(text));
    } catch (error) {
      if (isOrbError(error, 'INPUT_INVALID')) return []; // other parts of the agent say so
      throw error;
    }
  });
}
