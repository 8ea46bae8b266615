// What a network selection asks of the network's plugins, as Multus checks it before it passes it on (pkg/k8sclient).

import { z } from 'zod';
import { goObject } from './cni/go-object.ts';
import { hardwareAddressIfAny, requestedAddressText } from './cni/text-fields.ts';
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

/** Throws INPUT_INVALID where Multus would refuse the pod. */
export function requestsOf(selection: NetworkSelection): NetworkRequests {
  const { ips, mac, 'infiniband-guid': guid, 'cni-args': args } = selection;
  const subject = `annotation ${NETWORKS_ANNOTATION}, network ${selection.name}`;
  const asked = { ips, mac, 'infiniband-guid': guid, 'cni-args': args };
  return check(requestsSchema, asked, { subject });
}
