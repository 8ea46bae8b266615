// Which address pairs a VM's port needs for pods, and which of its pairs we added. Pairs of others stay.

import { type Address, type Cidr, cidrContains, parseAddress, parseCidr } from '#ip';
import type { OwnAddress, PortLedger } from './port-ledger.ts';

/** An allowed address pair of Neutron: a port with it may send from the address. */
export interface AddressPair {
  /** An address or a CIDR. */
  readonly ip_address: string;
  readonly mac_address: string;
}

/** What is read of the VM's port. */
export interface PairPort {
  readonly mac_address: string;
  /** Undefined: the cloud cannot switch it off. */
  readonly port_security_enabled?: boolean | undefined;
  /** Undefined: the cloud has no pairs. */
  readonly allowed_address_pairs?: readonly AddressPair[] | undefined;
}

/** Addresses that a pair, or an entry like it, stands for. */
export function pairCidr(pair: string): Cidr {
  if (pair.includes('/')) return parseCidr(pair);
  const address = parseAddress(pair);
  return { address, prefixLength: lengthOf(address) };
}

const lengthOf = ({ family }: Address): number => (family === 4 ? 32 : 128);

/** Whether the port lets packets of its own MAC address from this address through, by a pair or without port security. */
export function isLetThrough(port: PairPort, address: string): boolean {
  return port.port_security_enabled === false || pairsOf(port).some((pair) => allows(pair, address, port));
}

/** A pair of many addresses: with it, a pod needs no pair of its own. */
export function hasNetworkPair(port: PairPort): boolean {
  return pairsOf(port).some(({ ip_address }) => {
    const { address, prefixLength } = pairCidr(ip_address);
    return prefixLength < lengthOf(address);
  });
}

/**
 * The next step towards pairs for all addresses of the ledger: the ledger to keep before the write, and the list to
 * write. Undefined: nothing is to be written. After a write, the port is looked at again. `limit`: how many pairs a port
 * may have; what does not fit stays `new`. What pods have comes first.
 *
 * A pair that was there before we wrote is that of another. One that covers an address makes our own needless. Of a pair
 * that a write may still be adding, nobody knows: it is added first, so that the late write changes nothing, and taken
 * off by the next step.
 */
export function pairStep(
  ledger: PortLedger,
  port: PairPort,
  limit = Number.POSITIVE_INFINITY,
): { readonly ledger: PortLedger; readonly list: readonly AddressPair[] | undefined } {
  if (port.port_security_enabled === false)
    return { ledger: withPairs(ledger, () => 'none'), list: undefined };
  const there = pairsOf(port);
  const tried = new Set(ledger.addresses.filter(isTried).map(({ address }) => address));
  const others = there.filter((pair) => !(tried.has(pair.ip_address) && isOfPort(pair, port)));
  const ours = new Set(there.filter((pair) => !others.includes(pair)).map((pair) => pair.ip_address));
  const living = new Set(ledger.addresses.filter(({ leaving }) => !leaving).map(({ address }) => address));
  const isCovered = (address: string) => others.some((pair) => allows(pair, address, port));
  const seen = withPairs(ledger, (own) => {
    if (ours.has(own.address)) return own.leaving && living.has(own.address) ? 'none' : 'ours';
    if (own.pair === 'adding' && !isCovered(own.address)) return 'adding';
    return own.leaving || isCovered(own.address) ? 'none' : 'new';
  });
  const kept = new Set(
    seen.addresses
      .filter((own) => own.pair === 'ours' && !own.leaving && !isCovered(own.address))
      .map(({ address }) => address),
  );
  const wanting = seen.addresses
    .filter(({ pair }) => pair === 'new' || pair === 'adding')
    .toSorted((a, b) => urgencyOf(b) - urgencyOf(a));
  const added = new Set(
    wanting.slice(0, Math.max(0, limit - others.length - kept.size)).map(({ address }) => address),
  );
  const next = withPairs(seen, ({ pair, address }) => {
    if (pair !== 'new' && pair !== 'adding') return pair;
    return added.has(address) ? 'adding' : 'new';
  });
  if (added.size === 0 && kept.size === ours.size) return { ledger: next, list: undefined };
  const stay = there.filter((pair) => others.includes(pair) || kept.has(pair.ip_address));
  const more = [...added].map((ip_address) => ({ ip_address, mac_address: port.mac_address }));
  return { ledger: next, list: [...stay, ...more] };
}

/** What a write may be adding comes first, then what pods have. */
const urgencyOf = ({ pair, owner }: OwnAddress): number => (pair === 'adding' ? 2 : Number(owner !== null));

/** Whether a port that waits for its pair, or has it, may be deleted: the pair is taken off first. */
export const isWithoutPair = ({ pair }: OwnAddress): boolean => pair === 'none' || pair === 'new';

/** Whether an address waits for its pair. */
export const awaitsPair = ({ pair, leaving }: OwnAddress): boolean =>
  !leaving && (pair === 'new' || pair === 'adding');

/** Of a VM whose port is gone. */
export const withoutPairs = (ledger: PortLedger): PortLedger => withPairs(ledger, () => 'none');

const isTried = ({ pair }: OwnAddress): boolean => pair === 'adding' || pair === 'ours';
const pairsOf = ({ allowed_address_pairs: pairs }: PairPort): readonly AddressPair[] => pairs ?? [];
const isOfPort = ({ mac_address }: AddressPair, port: PairPort): boolean =>
  mac_address.toLowerCase() === port.mac_address;

function allows(pair: AddressPair, address: string, port: PairPort): boolean {
  return isOfPort(pair, port) && cidrContains(pairCidr(pair.ip_address), parseAddress(address));
}

function withPairs(ledger: PortLedger, pairFor: (own: OwnAddress) => OwnAddress['pair']): PortLedger {
  let isChanged = false;
  const addresses = ledger.addresses.map((own) => {
    const pair = pairFor(own);
    isChanged ||= pair !== own.pair;
    return pair === own.pair ? own : { ...own, pair };
  });
  return isChanged ? { ...ledger, addresses } : ledger;
}
