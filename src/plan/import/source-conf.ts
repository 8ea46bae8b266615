// What an IPAM configuration of another program means: the addresses that it gives out, and the routes with them.

import type { IpamRoute } from '#api';
import { OrbError } from '#base';
import {
  type Address,
  AddressSet,
  type Cidr,
  cidrContains,
  type Family,
  formatAddress,
  formatCidr,
  networkOf,
  parseAddress,
  parseCidr,
  sameAddress,
  sameCidr,
} from '#ip';

/** The IPAM plugins that an import knows, by their CNI type. */
export const importSources = ['whereabouts', 'host-local'] as const;
export type ImportSource = (typeof importSources)[number];

/** Addresses of one network that a plugin gives out. It becomes a SpiderIPPool. */
export interface SourceRange {
  /** Host bits are clear. */
  readonly subnet: Cidr;
  readonly addresses: AddressSet;
  /** The gateway of the default route. Undefined if the configuration has no default route. */
  readonly gateway: Address | undefined;
  /** The other routes, as a SpiderIPPool has them. */
  readonly routes: readonly { readonly dst: string; readonly gw: string }[];
}

/** A NIC gets one address of each family that has ranges, from the first range that has one. */
export interface SourceConf {
  readonly ranges: Readonly<Record<Family, readonly SourceRange[]>>;
  /** What the configuration asks for and a pool does not have. */
  readonly lost: readonly string[];
  /** Whereabouts' `network_name`: ranges of networks of different names are apart. */
  readonly networkName?: string | undefined;
}

/** The ranges of one family, from one entry of a configuration. */
export interface RangeEntry {
  readonly subnet: Cidr;
  readonly addresses: AddressSet;
  readonly gateway: Address | undefined;
}

/** Puts the routes of a configuration to its ranges. `sets` are the entries of which each NIC gets one address. */
export function sourceConf(
  sets: readonly (readonly RangeEntry[])[],
  routes: readonly IpamRoute[],
  subject: string,
  lost: readonly string[],
): SourceConf {
  const ranges: Record<Family, readonly SourceRange[]> = { 4: [], 6: [] };
  for (const set of sets) {
    const [first] = set;
    if (first === undefined) continue;
    const { family } = first.subnet.address;
    if (ranges[family].length > 0) {
      throw refused(subject, `a NIC would get two IPv${family} addresses, and Orbweaver gives one`);
    }
    ranges[family] = set.map((entry) => withRoutes(entry, routes, subject));
  }
  return { ranges, lost };
}

function withRoutes(
  { subnet, addresses, gateway }: RangeEntry,
  routes: readonly IpamRoute[],
  subject: string,
): SourceRange {
  const read = routes
    .map(({ dst, gw }) => ({
      dst: networkOf(parseCidr(dst)),
      gw: gw === undefined ? gateway : parseAddress(gw),
    }))
    .filter(({ dst }) => dst.address.family === subnet.address.family)
    .map(({ dst, gw }) => {
      if (gw !== undefined && cidrContains(subnet, gw)) return { dst, gw };
      const why = gw === undefined ? 'has no gateway' : `has the gateway ${formatAddress(gw)}`;
      throw refused(subject, `the route to ${formatCidr(dst)} ${why}, and not one in ${formatCidr(subnet)}`);
    });
  const twice = read.find(({ dst, gw }) =>
    read.some((two) => sameCidr(two.dst, dst) && !sameAddress(two.gw, gw)),
  );
  if (twice !== undefined)
    throw refused(subject, `two routes to ${formatCidr(twice.dst)} have different gateways`);
  const byDefault = read.find(({ dst }) => dst.prefixLength === 0);
  // A pod must not get the address of its gateway.
  const taken = byDefault ?? (gateway === undefined ? undefined : { gw: gateway });
  const offered = taken === undefined ? addresses : addresses.without(taken.gw);
  if (offered.isEmpty) throw refused(subject, `${formatCidr(subnet)} has no address for a pod`);
  return {
    subnet,
    addresses: offered,
    gateway: byDefault?.gw,
    routes: read
      .filter(
        ({ dst }, index) => dst.prefixLength > 0 && read.findIndex((one) => sameCidr(one.dst, dst)) === index,
      )
      .map(({ dst, gw }) => ({ dst: formatCidr(dst), gw: formatAddress(gw) })),
  };
}

/** The addresses from `first` to `last`. Empty if they are in the wrong order. */
export function spanOf(first: Address, last: Address): AddressSet {
  return AddressSet.of(first.family, first.value <= last.value ? [{ first, last }] : []);
}

export function refused(subject: string, problem: string): OrbError {
  return new OrbError('INPUT_INVALID', { message: `${subject}: ${problem}`, subject });
}
