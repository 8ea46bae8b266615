// What a pod requests for its interfaces: addresses and link addresses. Several places can say it, and the first that
// does decides alone.

import type { Pod } from '#api';
import type { Logger } from '#base';
import type { AllocationRequest } from '#cni';
import { formatAddress, sameAddress } from '#ip';
import type { Mac } from '#net';
import {
  type AddressRequest,
  type Assignment,
  IPS_ANNOTATION,
  type NicCandidates,
  readAddressRequest,
  readIps,
  readRequestedMac,
} from '#plan/ipam';
import type { PodNetworks } from './pod-facts.ts';

type Asked = Pick<AllocationRequest, 'interfaceName' | 'requested' | 'requestedMacs'>;

/**
 * The requested addresses of each interface. The order is: our annotation, what the runtime passes for the interface of
 * this call, and Multus' annotation. The runtime passes nothing for the interfaces of later calls.
 * @throws OrbError INPUT_INVALID, which names the place and its value
 */
export function addressRequests(
  pod: Pod,
  { interfaceName, requested }: Asked,
  { selections }: PodNetworks,
): (nic: string) => AddressRequest {
  const own = readIps(pod.metadata.annotations ?? {});
  return (nic) => {
    const selected = selections.get(nic);
    return readAddressRequest({
      [`annotation ${IPS_ANNOTATION} of ${nic}`]: own.get(nic),
      ...(nic === interfaceName && requested),
      ...(selected !== undefined && { [`${selected.place}: ips`]: selected.selection.ips }),
    });
  };
}

/** The link address that the interface of this call shall have, if anything requests one. */
export function requestedMac(
  { interfaceName, requestedMacs }: Asked,
  { selections }: PodNetworks,
): Mac | undefined {
  const selected = selections.get(interfaceName);
  return readRequestedMac({
    ...requestedMacs,
    ...(selected !== undefined && { [`${selected.place}: mac`]: selected.selection.mac }),
  });
}

/** The pod asks for another address since it got one. It keeps what it has as long as it lives. */
export function warnOfKept(
  candidates: readonly NicCandidates[],
  assignments: readonly Assignment[],
  log: Logger,
): void {
  for (const { nic, family, address } of assignments) {
    const families = candidates.find((candidate) => candidate.nic === nic)?.families;
    const requested = families?.find((one) => one.family === family)?.requested;
    if (requested === undefined || sameAddress(requested.address, address)) continue;
    const fields = { nic, address: formatAddress(address), requested: formatAddress(requested.address) };
    log.warn(
      { ...fields, field: requested.field },
      'the pod keeps its address, although it requests another one',
    );
  }
}
