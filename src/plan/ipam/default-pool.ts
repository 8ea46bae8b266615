// The defaults that admission sets in SpiderIPPools and SpiderReservedIPs before they are checked and stored.

import { SPIDERPOOL_FINALIZER, type SpiderIPPool, type SpiderReservedIP, type SpiderSubnet } from '#api';
import { isOrbError } from '#base';
import { AddressSet, type Cidr, cidrLabel, type Family, formatCidr, networkOf, parseCidr } from '#ip';
import { reservedFamily } from './reserved.ts';

export const POOL_CIDR_LABEL = 'ipam.spidernet.io/ippool-cidr';

/** The pool with the defaults of {@link withNetworkDefaults}. `old` is the stored pool on an update. */
export function defaultPool(pool: SpiderIPPool, old?: SpiderIPPool): SpiderIPPool {
  return withNetworkDefaults(pool, old, POOL_CIDR_LABEL);
}

/**
 * The object with version, finalizer, CIDR label and merged ranges. A subnet with host bits (`10.6.0.1/16`) becomes
 * canonical. Older Spiderpools accepted it, and manifests in use contain it. Spiderpool refuses it today. Unreadable
 * fields stay unchanged, and the checks report them. `old` is the stored object on an update.
 */
export function withNetworkDefaults<T extends SpiderIPPool | SpiderSubnet>(
  object: T,
  old: T | undefined,
  cidrLabelKey: string,
): T {
  const { metadata, spec } = object;
  if (metadata.deletionTimestamp !== undefined || spec === undefined) return object;
  const subnet = readable(() => networkOf(parseCidr(spec.subnet)));
  const finalizers = metadata.finalizers ?? [];
  const hasFinalizer = finalizers.includes(SPIDERPOOL_FINALIZER);
  const withFinalizer = hasFinalizer ? finalizers : [...finalizers, SPIDERPOOL_FINALIZER];
  if (subnet === undefined) return { ...object, metadata: { ...metadata, finalizers: withFinalizer } };
  const family = subnet.address.family;
  return {
    ...object,
    metadata: {
      ...metadata,
      finalizers: withFinalizer,
      labels: { ...metadata.labels, [cidrLabelKey]: cidrLabel(subnet) },
    },
    spec: {
      ...spec,
      subnet: storedSubnet(subnet, old),
      ipVersion: spec.ipVersion ?? family,
      ...(spec.ips !== undefined && { ips: merged(spec.ips, family) }),
      ...(spec.excludeIPs !== undefined && { excludeIPs: merged(spec.excludeIPs, family) }),
    },
  };
}

/** The reservation with version and merged ranges. */
export function defaultReservedIP(reserved: SpiderReservedIP): SpiderReservedIP {
  const { spec } = reserved;
  const ips = spec?.ips ?? [];
  const family = spec?.ipVersion ?? reservedFamily(ips);
  if (reserved.metadata.deletionTimestamp !== undefined || family === undefined) return reserved;
  return { ...reserved, spec: { ...spec, ipVersion: family, ips: merged(ips, family) } };
}

/**
 * The canonical text of the subnet. If the stored text means the same, it stays, because the field is immutable as
 * text.
 */
function storedSubnet(subnet: Cidr, old: SpiderIPPool | SpiderSubnet | undefined): string {
  const canonical = formatCidr(subnet);
  const stored = old?.spec?.subnet;
  if (stored === undefined) return canonical;
  const same = readable(() => formatCidr(networkOf(parseCidr(stored)))) === canonical;
  return same ? stored : canonical;
}

/** The ranges sorted, without duplicates. Adjacent ranges are joined. */
function merged(ranges: string[], family: Family): string[] {
  if (ranges.length < 2) return ranges;
  return readable(() => AddressSet.parse(family, ranges).format()) ?? ranges;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return undefined;
    throw error;
  }
}
