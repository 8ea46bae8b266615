// The requests of a network selection to the network's plugins. Multus checks them like this before it passes them on
// (pkg/k8sclient).

import { z } from 'zod';
import { goObject, hardwareAddressIfAny, requestedAddressText } from './cni/index.ts';
import { NETWORKS_ANNOTATION, type NetworkSelection } from './multus.ts';
import { check } from './validation.ts';

const requestsSchema = goObject({
  /** With or without prefix length. */
  ips: z.array(requestedAddressText).optional(),
  mac: hardwareAddressIfAny,
  'infiniband-guid': hardwareAddressIfAny,
  'cni-args': z.record(z.string(), z.unknown()).optional(),
});

export type NetworkRequests = z.infer<typeof requestsSchema>;

/** @throws OrbError INPUT_INVALID if Multus would refuse the pod */
export function requestsOf(selection: NetworkSelection): NetworkRequests {
  const { ips, mac, 'infiniband-guid': guid, 'cni-args': args } = selection;
  const subject = `annotation ${NETWORKS_ANNOTATION}, network ${selection.name}`;
  const asked = { ips, mac, 'infiniband-guid': guid, 'cni-args': args };
  return check(requestsSchema, asked, { subject });
}
