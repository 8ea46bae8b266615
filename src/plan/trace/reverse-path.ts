// Whether the kernel accepts the source of a packet that came in by a link: martians and rp_filter
// (__fib_validate_source).

import type { Address } from '#ip';
import type { Rule } from '#net';
import { lookUp } from './lookup.ts';
import { linkSysctl, type NamespaceView } from './view.ts';

export interface Arrival {
  readonly source: Address;
  readonly destination: Address;
  readonly dev: string;
  readonly mark: number;
  /** The packet's port. Rules of the reverse lookup see it as the source port of a reply. */
  readonly ipProtocol?: number;
  readonly destinationPort?: number;
  /** The link that the packet is forwarded to. The reverse lookup treats a packet as coming in there. */
  readonly outputDev?: string;
}

/**
 * The reverse lookup uses protocol and ports only if a rule for incoming packets has them
 * (fib_rule_requires_fldissect). Otherwise it uses no protocol.
 */
function needsDissection({ family, inputDev, ipProtocol, sourcePorts }: Rule): boolean {
  return family === 4 && inputDev !== 'lo' && (ipProtocol !== undefined || sourcePorts !== undefined);
}

/** The reason to drop it, or undefined. IPv6 routing has no such filter, but nftables may have one. */
export function sourceRefusal(view: NamespaceView, arrival: Arrival): string | undefined {
  const { source, destination, dev, outputDev } = arrival;
  if (source.family === 6) return undefined;
  const filter = linkSysctl(view, 'ipv4', dev, 'rp_filter');
  const mark = linkSysctl(view, 'ipv4', dev, 'src_valid_mark') > 0 ? arrival.mark : 0;
  const isDissected = view.rules.some(needsDissection);
  const back = {
    ...{ destination: source, source: destination, mark },
    ...(isDissected && arrival.ipProtocol !== undefined && { ipProtocol: arrival.ipProtocol }),
    ...(isDissected && arrival.destinationPort !== undefined && { sourcePort: arrival.destinationPort }),
  };
  const way = lookUp(view, { ...back, ...(outputDev !== undefined && { inputDev: outputDev }) });
  const isNumbered = view.addresses.some((each) => each.dev === dev && each.address.address.family === 4);
  const strict = `rp_filter ${filter} on ${dev}`;
  if (way.outcome !== 'found') return filter > 0 ? `${strict}: there is no route back` : undefined;
  if (way.route.type !== 'unicast')
    return "martian source: it is one of the receiver's own addresses, or not a unicast address";
  if (way.hops.some((hop) => hop.dev === dev)) return undefined;
  if (filter === 1 || (filter > 0 && !isNumbered)) {
    return `${strict}: the way back is by ${way.hops.map((hop) => hop.dev).join(', ')}`;
  }
  return undefined;
}

/** The same check by an nft rule that asks the FIB for IPv6, before conntrack (nft_fib6_eval). */
export function strictRefusal(view: NamespaceView, arrival: Arrival): string | undefined {
  const { source, destination, dev } = arrival;
  if (source.family === 4) return undefined;
  const way = lookUp(view, { destination: source, source: destination, mark: 0, outputDev: dev });
  const isBack = way.outcome === 'found' && way.route.type === 'unicast';
  return isBack ? undefined : `nft fib on ${dev}: the way back is not by it`;
}
