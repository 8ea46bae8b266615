// The addresses of a pod of type `veth-route`: the plugin of the IPAM type that the configuration names, in this process.
// Its probes leave by the NIC of the node, because the network is there.

import type { Address } from '#ip';
import type { Detection } from '../detection.ts';
import { type IpamParts, IpamPlugin } from '../ipam/index.ts';
import type { NodeNics } from './node-nics.ts';

/** For ADD. `nodeNetns` is the path of the node's namespace. */
export function addingIpam(
  type: string,
  parts: IpamParts,
  { nics, nodeNetns }: { readonly nics: NodeNics; readonly nodeNetns: string },
): IpamPlugin {
  const probe: Detection['probe'] = async (request) => {
    const nic = nicOf(
      nics,
      request.targets.map(({ address }) => address),
    );
    if (nic === undefined) return { kind: 'absent' };
    return parts.detection.probe({ ...request, netns: nodeNetns, nic });
  };
  return new IpamPlugin(type, {
    ...parts,
    parentNetworks: () => nics.networks(),
    detection: { ...parts.detection, probe },
  });
}

/** The one NIC of all addresses. A probe would set a NIC of the node up, so one that is down is left alone. */
function nicOf(nics: NodeNics, addresses: readonly Address[]): string | undefined {
  const found = new Set(addresses.map((address) => nics.nicOf(address)));
  const [nic] = found;
  return found.size === 1 && nic !== undefined && nics.isUp(nic) ? nic : undefined;
}
