// The `ipam` objects of other IPAM plugins, which an import reads: Whereabouts and host-local.

import { z } from 'zod';
import { check } from '../validation.ts';
import { goObject } from './go-object.ts';
import { addressIfAny, cidrText } from './text-fields.ts';

/** A route. Without a gateway it uses the one of the address (containernetworking/plugins, pkg/ipam). */
const routeSchema = goObject({ dst: cidrText, gw: addressIfAny });
const routes = z.array(routeSchema).optional();

export type IpamRoute = z.infer<typeof routeSchema>;

/** `range` is a CIDR, whose host bits may be set, or `FIRST-LAST/LENGTH`. */
const whereaboutsRange = {
  range: z.string(),
  range_start: z.string().optional(),
  range_end: z.string().optional(),
  exclude: z.array(z.string()).optional(),
};

const whereaboutsSchema = goObject({
  ...whereaboutsRange,
  range: z.string().optional(),
  ipRanges: z.array(goObject(whereaboutsRange)).optional(),
  gateway: addressIfAny,
  routes,
  network_name: z.string().optional(),
  /** Addresses that each pod gets besides. */
  addresses: z.array(z.unknown()).optional(),
});

export type WhereaboutsIpam = z.infer<typeof whereaboutsSchema>;

const hostLocalRange = {
  subnet: cidrText,
  rangeStart: addressIfAny,
  rangeEnd: addressIfAny,
  gateway: addressIfAny,
};

const hostLocalSchema = goObject({
  ...hostLocalRange,
  subnet: cidrText.optional(),
  /** A pod gets an address of each set. */
  ranges: z.array(z.array(goObject(hostLocalRange)).min(1)).optional(),
  routes,
  dataDir: z.string().optional(),
});

export type HostLocalIpam = z.infer<typeof hostLocalSchema>;

/** @throws OrbError INPUT_INVALID with every field that is wrong */
export function parseWhereaboutsIpam(ipam: unknown, subject: string): WhereaboutsIpam {
  return check(z.object({ ipam: whereaboutsSchema }), { ipam }, { subject }).ipam;
}

/** @throws OrbError INPUT_INVALID with every field that is wrong */
export function parseHostLocalIpam(ipam: unknown, subject: string): HostLocalIpam {
  return check(z.object({ ipam: hostLocalSchema }), { ipam }, { subject }).ipam;
}
