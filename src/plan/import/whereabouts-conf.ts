// An `ipam` object of Whereabouts: the addresses that it gives out (its pkg/config and pkg/iphelpers).

import { parseWhereaboutsIpam } from '#api';
import {
  type Address,
  AddressSet,
  type Cidr,
  cidrRange,
  formatCidr,
  networkOf,
  parseAddress,
  parseCidr,
  tryParseAddress,
} from '#ip';
import { type RangeEntry, refused, type SourceConf, sourceConf, spanOf } from './source-conf.ts';

/** @throws OrbError INPUT_INVALID for what a SpiderIPPool cannot do, and for what cannot be read */
export function readWhereabouts(ipam: unknown, subject: string): SourceConf {
  const {
    range,
    range_start,
    range_end,
    exclude,
    ipRanges = [],
    ...rest
  } = parseWhereaboutsIpam(ipam, subject);
  const single = range === undefined || range === '' ? [] : [{ range, range_start, range_end, exclude }];
  const entries = [...single, ...ipRanges];
  if (entries.length === 0) {
    throw refused(
      subject,
      'ipam.range is missing. If whereabouts.conf of the nodes has it, write it here too',
    );
  }
  if ((rest.addresses ?? []).length > 0) {
    throw refused(subject, 'ipam.addresses gives every pod the same address, and Orbweaver gives none twice');
  }
  const gateway = rest.gateway === undefined ? undefined : parseAddress(rest.gateway);
  const sets = entries.map((entry) => [rangeEntry(entry, gateway, subject)]);
  const conf = sourceConf(sets, rest.routes ?? [], subject, 'dns' in rest ? ['dns'] : []);
  return { ...conf, networkName: rest.network_name || undefined };
}

interface Range {
  readonly range: string;
  readonly range_start?: string | undefined;
  readonly range_end?: string | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** A start or an end outside of the usable addresses is ignored, as Whereabouts does. */
function rangeEntry(entry: Range, gateway: Address | undefined, subject: string): RangeEntry {
  const { subnet, start, end } = boundsOf(entry);
  const whole = cidrRange(subnet);
  if (whole.last.value - whole.first.value < 3n)
    throw refused(subject, `ipam.range: ${formatCidr(subnet)} is too small`);
  const first = { ...whole.first, value: whole.first.value + 1n };
  const last = { ...whole.last, value: whole.last.value - 1n };
  const usable = spanOf(first, last);
  const inside = (address: Address | undefined) =>
    address !== undefined && usable.contains(address) ? address : undefined;
  const { family } = subnet.address;
  const excluded = (entry.exclude ?? [])
    .map((text) => excludedRange(text))
    .filter((cidr) => cidr.address.family === family)
    .map(cidrRange);
  const addresses = spanOf(inside(start) ?? first, inside(end) ?? last);
  return {
    subnet,
    addresses: addresses.difference(AddressSet.of(family, excluded)),
    gateway: gateway?.family === family ? gateway : undefined,
  };
}

/** `10.6.0.0/24` with its two fields, or `10.6.0.10-10.6.0.20/24`. */
function boundsOf({ range, range_start, range_end }: Range): {
  readonly subnet: Cidr;
  readonly start: Address | undefined;
  readonly end: Address | undefined;
} {
  const dash = range.indexOf('-');
  const cidr = parseCidr(range.slice(dash + 1));
  const bound = (text: string | undefined) => (text ? parseAddress(text) : undefined);
  return dash < 0
    ? { subnet: networkOf(cidr), start: bound(range_start), end: bound(range_end) }
    : { subnet: networkOf(cidr), start: parseAddress(range.slice(0, dash)), end: cidr.address };
}

/** A network, whose host bits do not count, or one address. */
function excludedRange(text: string): Cidr {
  const host = tryParseAddress(text);
  return host === undefined ? parseCidr(text) : { address: host, prefixLength: host.family === 4 ? 32 : 128 };
}
