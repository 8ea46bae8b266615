// What a pod asks of Neutron, by its annotations and by the runtime.

import type { NeutronMode } from '#api';
import { OrbError } from '#base';
import type { AllocationRequest } from '#cni';
import { cidrContains, formatAddress, parseCidr } from '#ip';
import type { Subnet } from '#openstack';
import { IPS_ANNOTATION, readAddressRequest, readIps } from '#plan/ipam';
import { askedGroups, SECURITY_GROUPS_ANNOTATION } from '#plan/openstack';

export interface PodWish {
  /** Ids of security groups; null: it asks for none. */
  readonly groups: readonly string[] | null;
  /** The address of the subnet that it asks for; null: any. */
  readonly addressIn: (subnet: Subnet) => string | null;
}

/** Throws INPUT_INVALID, and ADDRESS_REQUEST_UNSERVED for an address of no subnet. */
export function podWish(
  annotations: Readonly<Record<string, string>>,
  { interfaceName: nic, requested }: Pick<AllocationRequest, 'interfaceName' | 'requested'>,
  { mode, subnets }: { readonly mode: NeutronMode; readonly subnets: readonly Subnet[] },
): PodWish {
  const groups = askedGroups(annotations);
  if (groups !== null && mode === 'fixed-ips') {
    const message = `annotation ${SECURITY_GROUPS_ANNOTATION}: in mode fixed-ips a pod has the security groups of its VM's port`;
    throw new OrbError('INPUT_INVALID', { message, subject: SECURITY_GROUPS_ANNOTATION });
  }
  const asked = readAddressRequest({
    [`annotation ${IPS_ANNOTATION} of ${nic}`]: readIps(annotations).get(nic),
    ...requested,
  });
  for (const one of Object.values(asked)) {
    if (subnets.some(({ cidr }) => cidrContains(parseCidr(cidr), one.address))) continue;
    const cidrs = subnets.map(({ cidr }) => cidr).join(', ');
    const message = `${one.field} asks for ${formatAddress(one.address)}, and ${nic} gets addresses of ${cidrs}`;
    throw new OrbError('ADDRESS_REQUEST_UNSERVED', { message, subject: one.field });
  }
  return {
    groups,
    addressIn: ({ ip_version: family }) => {
      const { address } = asked[family] ?? {};
      return address === undefined ? null : formatAddress(address);
    },
  };
}
