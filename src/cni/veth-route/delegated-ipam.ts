// The addresses of a pod of type `veth-route`: the plugin of the IPAM type that the configuration names, in this process.
// Its probes leave by the NIC of the node, because the network is there.

import { ipamType, type NetConf } from '#api';
import { OrbError } from '#base';
import type { Address } from '#ip';
import type { AttachmentRecord } from '#node';
import type { Detection } from '../detection.ts';
import { type IpamParts, IpamPlugin, sourceOf } from '../ipam/index.ts';
import type { NodeNics } from './node-nics.ts';

/** Throws INPUT_INVALID if this agent does not serve the type. */
export function requireIpam({ ipam }: NetConf, parts: IpamParts): string {
  const type = ipamType(ipam);
  if (type !== undefined && parts.sources.has(type)) return type;
  const served = [...parts.sources.keys()].join(', ');
  throw new OrbError('INPUT_INVALID', {
    message: `network configuration: ipam.type: ${JSON.stringify(type) ?? 'nothing'} is not one of ${served}`,
    subject: 'ipam.type',
  });
}

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

/**
 * For DEL: by what is recorded, because the configuration may have changed since. Undefined if there is nothing that
 * this agent could release.
 */
export function releasingIpam(
  conf: NetConf,
  record: AttachmentRecord | undefined,
  parts: IpamParts,
): IpamPlugin | undefined {
  const type = (record && sourceOf(record)) ?? ipamType(conf.ipam);
  if (type === undefined || !(parts.sources.has(type) || record?.ipam !== undefined)) return undefined;
  return new IpamPlugin(type, parts);
}

/** The one NIC of all addresses. A probe would set a NIC of the node up, so one that is down is left alone. */
function nicOf(nics: NodeNics, addresses: readonly Address[]): string | undefined {
  const found = new Set(addresses.map((address) => nics.nicOf(address)));
  const [nic] = found;
  return found.size === 1 && nic !== undefined && nics.isUp(nic) ? nic : undefined;
}
