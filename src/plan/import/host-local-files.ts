// The files of host-local on a node: one for each address, in a folder for each network (containernetworking/plugins,
// plugins/ipam/host-local/backend/disk).

import { formatAddress, tryParseAddress } from '#ip';
import type { Claim, Claims } from './claim.ts';
import type { SeenPod } from './pod-addresses.ts';

/** A file in the folder of a network. */
export interface HostLocalFile {
  readonly node: string;
  /** The folder of the network. */
  readonly network: string;
  readonly name: string;
  readonly content: string;
}

/** Files that hold no address: the lock, and the last address of each set of ranges. */
const OTHERS = /^(lock|last_reserved_ip\..*)$/;

/**
 * The file says the container and, since version 0.8 of the plugins, its interface. The pod is the one of the node that
 * shows the address.
 */
export function hostLocalClaims(files: readonly HostLocalFile[], pods: readonly SeenPod[]): Claims {
  const claims: Claim[] = [];
  const problems: string[] = [];
  for (const { node, network, name, content } of files) {
    if (OTHERS.test(name)) continue;
    const where = `file ${network}/${name} of node ${node}`;
    const address = tryParseAddress(name);
    if (address === undefined) {
      problems.push(`${where} is neither an address nor another file of host-local`);
      continue;
    }
    const [, nic] = content.trim().split(/\r?\n/);
    const shown = pods.find((pod) => pod.node === node && pod.nics.has(formatAddress(address)));
    claims.push({ address, pod: shown?.name, nic: nic || undefined, where });
  }
  return { claims, problems };
}
