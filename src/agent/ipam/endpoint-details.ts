// What a SpiderEndpoint shows about an allocation.

import type { EndpointIPDetail } from '#api';
import { formatAddress, formatCidr } from '#ip';
import {
  type Assignment,
  interfaceAddress,
  type NicRoute,
  type ProvidedLink,
  providedLink,
} from '#plan/ipam';

/**
 * One entry for each NIC, with both families. The gateway stands for the default route, which is not among the routes.
 * `linkOf` knows what was demanded of a NIC besides what its pools say.
 */
export function endpointDetails(
  assignments: readonly Assignment[],
  routes: readonly NicRoute[],
  linkOf: (nic: string, own: readonly Assignment[]) => ProvidedLink | undefined,
): EndpointIPDetail[] {
  const nics = [...new Set(assignments.map(({ nic }) => nic))];
  return nics.map((nic) => {
    const own = assignments.filter((assignment) => assignment.nic === nic);
    const beyond = routes.filter((route) => route.nic === nic && route.destination.prefixLength > 0);
    const families: Partial<EndpointIPDetail> = {};
    for (const one of own) Object.assign(families, familyFields(one));
    const { mac, vlan = 0 } = { ...providedLink(nic, own), ...linkOf(nic, own) };
    return {
      interface: nic,
      vlan,
      ...(mac !== undefined && { mac }),
      ...families,
      ...(own.some(({ pool }) => pool.gateway !== undefined) && {
        cleanGateway: own.some((one) => one.cleanGateway),
      }),
      ...(beyond.length > 0 && {
        routes: beyond.map((route) => ({
          dst: formatCidr(route.destination),
          gw: formatAddress(route.gateway),
        })),
      }),
    };
  });
}

/** The detail, with what the provider of an IaaS said of the NIC in an earlier ADD. That of another NIC does not know it. */
export function withKnownLink(
  detail: EndpointIPDetail,
  before: EndpointIPDetail | undefined,
): EndpointIPDetail {
  const isKnown = before?.ipv4 !== undefined && before.ipv4 === detail.ipv4;
  if (!isKnown || detail.mac !== undefined || detail.vlan !== 0) return detail;
  return { ...detail, vlan: before.vlan, ...(before.mac !== undefined && { mac: before.mac }) };
}

function familyFields(assignment: Assignment): Partial<EndpointIPDetail> {
  const { family, pool } = assignment;
  const address = formatCidr(interfaceAddress(assignment));
  const gateway = pool.gateway === undefined ? undefined : formatAddress(pool.gateway);
  if (family === 4) {
    return { ipv4: address, ipv4Pool: pool.name, ...(gateway !== undefined && { ipv4Gateway: gateway }) };
  }
  return { ipv6: address, ipv6Pool: pool.name, ...(gateway !== undefined && { ipv6Gateway: gateway }) };
}
