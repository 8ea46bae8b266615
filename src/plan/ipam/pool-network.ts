// Reads the addresses in a pool's spec: subnet, addresses to give out, gateway and routes. Reports everything that is
// wrong with them.

import type { FieldIssue, SpiderIPPool } from '#api';
import { errorText } from '#base';
import {
  type Address,
  AddressSet,
  type Cidr,
  cidrContains,
  cidrRange,
  type Family,
  formatCidr,
  formatRange,
  networkOf,
  parseAddress,
  parseCidr,
  parseRange,
  unusableAddresses,
} from '#ip';

/** The spec of a SpiderIPPool. */
export type PoolSpec = NonNullable<SpiderIPPool['spec']>;

/** The fields that SpiderIPPools and SpiderSubnets share. */
export type NetworkSpec = Pick<
  PoolSpec,
  'ipVersion' | 'subnet' | 'ips' | 'excludeIPs' | 'gateway' | 'routes'
>;

/** A route that a pod gets. `gateway` is in the network of one of its addresses. */
export interface PodRoute {
  readonly destination: Cidr;
  readonly gateway: Address;
}

/** The addresses of a pool, its gateway and its routes. */
export interface PoolNetwork {
  readonly family: Family;
  /** Host bits are clear. */
  readonly subnet: Cidr;
  /** `ips` without `excludeIPs` and without `unusable`. */
  readonly addresses: AddressSet;
  /** Addresses in `ips` that no machine may have: network, broadcast and subnet-router anycast address. */
  readonly unusable: AddressSet;
  /** `excludeIPs`. */
  readonly excluded: AddressSet;
  readonly gateway: Address | undefined;
  /** Without the default route, which comes from the gateway. */
  readonly routes: readonly PodRoute[];
}

/**
 * Reads the spec. Adds what is wrong to `issues`, with Spiderpool's message if it has one. Undefined without a usable
 * subnet. Host bits in `subnet` are no issue here, because pools of old Spiderpools have them.
 */
export function readPoolNetwork(spec: NetworkSpec, issues: FieldIssue[]): PoolNetwork | undefined {
  const subnet = attempt(issues, 'spec.subnet', spec.subnet, () => networkOf(parseCidr(spec.subnet)));
  if (subnet === undefined) return undefined;
  const family = subnet.address.family;
  if (spec.ipVersion !== undefined && spec.ipVersion !== family) {
    const message = `must be ${family}, the version of spec.subnet ${spec.subnet}`;
    issues.push({ field: 'spec.ipVersion', value: spec.ipVersion, message });
  }
  const offered = readRanges(subnet, 'spec.ips', spec.ips ?? [], issues);
  const excluded = readRanges(subnet, 'spec.excludeIPs', spec.excludeIPs ?? [], issues);
  const wanted = offered.difference(excluded);
  const unusable = wanted.intersection(AddressSet.ofAddresses(family, unusableAddresses(subnet)));
  const addresses = wanted.difference(unusable);
  const gateway =
    spec.gateway === undefined ? undefined : readGateway(spec.gateway, subnet, addresses, issues);
  const routes = readRoutes(spec.routes ?? [], subnet, issues);
  return { family, subnet, addresses, unusable, excluded, gateway, routes };
}

/** An object of the informers never changes, so each is read once. */
const networks = new WeakMap<NetworkSpec, { readonly network: PoolNetwork | undefined }>();

/** The readable part of the spec of a stored object, which must not be changed afterwards. */
export function storedNetwork(spec: NetworkSpec): PoolNetwork | undefined {
  const known = networks.get(spec) ?? { network: readPoolNetwork(spec, []) };
  networks.set(spec, known);
  return known.network;
}

/** The issues as one text. */
export function issuesText(issues: readonly FieldIssue[]): string {
  return issues
    .map(({ field, value, message }) => `${field}: ${JSON.stringify(value) ?? 'missing'}: ${message}`)
    .join('; ');
}

function readRanges(subnet: Cidr, field: string, texts: readonly string[], issues: FieldIssue[]): AddressSet {
  const { family } = subnet.address;
  const all = cidrRange(subnet);
  const ranges = texts.map((text, index) =>
    attempt(issues, `${field}[${index}]`, text, () => {
      const range = parseRange(text, family);
      if (range.first.value >= all.first.value && range.last.value <= all.last.value) return range;
      throw new Error(`not match base subnet: ${formatCidr(subnet)} only has ${formatRange(all)}`);
    }),
  );
  return AddressSet.of(
    family,
    ranges.filter((range) => range !== undefined),
  );
}

function readGateway(
  text: string,
  subnet: Cidr,
  addresses: AddressSet,
  issues: FieldIssue[],
): Address | undefined {
  return attempt(issues, 'spec.gateway', text, () => {
    const gateway = inside(subnet, parseAddress(text));
    if (!addresses.contains(gateway)) return gateway;
    throw new Error(
      'is in spec.ips, so a pod could get it; add it to spec.excludeIPs or remove it from spec.ips',
    );
  });
}

function readRoutes(
  routes: readonly { readonly dst: string; readonly gw: string }[],
  subnet: Cidr,
  issues: FieldIssue[],
): PodRoute[] {
  const seen = new Set<string>();
  const read = routes.map(({ dst, gw }, index) => {
    const field = `spec.routes[${index}]`;
    const destination = attempt(issues, `${field}.dst`, dst, () => {
      const network = networkOf(parseCidr(dst));
      const key = formatCidr(network);
      if (network.address.family !== subnet.address.family)
        throw new Error('is not of the family of spec.subnet');
      if (network.prefixLength === 0) {
        throw new Error("please specify 'spec.gateway' to configure the default route");
      }
      if (seen.has(key)) throw new Error('duplicate route destination');
      seen.add(key);
      return network;
    });
    const gateway = attempt(issues, `${field}.gw`, gw, () => inside(subnet, parseAddress(gw)));
    return destination === undefined || gateway === undefined ? undefined : { destination, gateway };
  });
  return read.filter((route) => route !== undefined);
}

function inside(subnet: Cidr, address: Address): Address {
  if (cidrContains(subnet, address)) return address;
  throw new Error(`must be inside spec.subnet ${formatCidr(subnet)}`);
}

function attempt<T>(issues: FieldIssue[], field: string, value: unknown, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    issues.push({ field, value, message: errorText(error) });
    return undefined;
  }
}
