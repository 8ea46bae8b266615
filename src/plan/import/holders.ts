// Who holds each address of the pools that an import makes. An address that lives is never free: where nobody knows the pod, the
// pool leaves the address out.

import { type Address, AddressSet, cidrContains, formatAddress, parseAddress, sameAddress } from '#ip';
import type { PoolLedger } from '#plan/ipam';
import type { Claim } from './claim.ts';
import type { SeenPod } from './pod-addresses.ts';
import type { WantedPool } from './wanted-pools.ts';

/** A record to write into a pool. */
export interface Holder {
  readonly address: Address;
  readonly pod: string;
  readonly podUid: string;
  readonly nic: string;
}

export interface PoolHolders {
  readonly pool: string;
  /** Records that are missing. */
  readonly missing: readonly Holder[];
  /** Addresses that somebody has, and nobody knows who: they go into `excludeIPs`. */
  readonly unknown: AddressSet;
  /** Where each of them is written, in words. */
  readonly unknownTexts: readonly string[];
}

interface Verdict {
  readonly holder?: Holder;
  readonly unknown?: string;
  readonly conflict?: string;
}

/** `ledgers` are the pools that exist already, by name. A conflict is an address that two pods have. */
export function findHolders(
  pools: readonly WantedPool[],
  claims: readonly Claim[],
  pods: readonly SeenPod[],
  ledgers: ReadonlyMap<string, PoolLedger>,
): { readonly holders: PoolHolders[]; readonly conflicts: string[] } {
  const claimed = new Map<string, Claim[]>();
  for (const claim of claims) {
    const key = formatAddress(claim.address);
    claimed.set(key, [...(claimed.get(key) ?? []), claim]);
  }
  const shown = new Map<string, SeenPod[]>();
  for (const pod of pods) {
    if (pod.hasFinished) continue;
    for (const key of pod.nics.keys()) shown.set(key, [...(shown.get(key) ?? []), pod]);
  }
  const byName = new Map(pods.map((pod) => [pod.name, pod]));
  const found = new Map(
    pools.map(({ name }) => [
      name,
      { missing: [] as Holder[], unknown: [] as Address[], texts: [] as string[] },
    ]),
  );
  const conflicts: string[] = [];
  for (const key of new Set([...claimed.keys(), ...shown.keys()])) {
    const address = parseAddress(key);
    const pool = poolOf(pools, address);
    if (pool === undefined) continue;
    const verdict = judge(address, shown.get(key) ?? [], claimed.get(key) ?? [], byName);
    const own = found.get(pool.name);
    if (verdict.conflict !== undefined) conflicts.push(verdict.conflict);
    const ledger = ledgers.get(pool.name);
    const recorded = ledger?.holderOf(address);
    const { holder } = verdict;
    if (holder !== undefined && recorded !== undefined && recorded.podUid !== holder.podUid)
      conflicts.push(`${key} is recorded for pod ${recorded.pod}, and pod ${holder.pod} has it too`);
    else if (holder !== undefined && recorded === undefined) own?.missing.push(holder);
    const isOffered =
      ledger === undefined ? pool.range.addresses.contains(address) : ledger.free.contains(address);
    if (verdict.unknown !== undefined && recorded === undefined && isOffered) {
      own?.unknown.push(address);
      own?.texts.push(verdict.unknown);
    }
  }
  const holders = pools.map(({ name, range }) => {
    const { missing = [], unknown = [], texts = [] } = found.get(name) ?? {};
    const { family } = range.subnet.address;
    return {
      ...{ pool: name, missing, unknownTexts: texts },
      unknown: AddressSet.ofAddresses(family, unknown),
    };
  });
  return { holders, conflicts };
}

/** The pool that offers the address, or else one of its network: it may offer it later. */
function poolOf(pools: readonly WantedPool[], address: Address): WantedPool | undefined {
  return (
    pools.find(({ range }) => range.addresses.contains(address)) ??
    pools.find(({ range }) => cidrContains(range.subnet, address))
  );
}

function judge(
  address: Address,
  shown: readonly SeenPod[],
  claims: readonly Claim[],
  byName: ReadonlyMap<string, SeenPod>,
): Verdict {
  const key = formatAddress(address);
  const [first, second] = shown;
  if (first !== undefined && second !== undefined)
    return { conflict: `${key} is shown by pods ${first.name} and ${second.name}` };
  if (first !== undefined) return { holder: holderOf(address, first, first.nics.get(key)) };
  for (const { pod: name, nic } of claims) {
    const pod = name === undefined ? undefined : byName.get(name);
    if (pod === undefined || nic === undefined || hasAnother(pod, nic, address)) continue;
    return { holder: holderOf(address, pod, nic) };
  }
  const [claim] = claims;
  const who = claim?.pod === undefined ? 'no pod shows it' : `pod ${claim.pod} does not show it`;
  return { unknown: `${key} is in ${claim?.where ?? 'no list'}, and ${who}` };
}

function holderOf(address: Address, { name, uid }: SeenPod, nic = 'eth0'): Holder {
  return { address, pod: name, podUid: uid, nic };
}

/** The pod shows another address of this family on the interface: the claim is of an earlier pod of its name. */
function hasAnother(pod: SeenPod, nic: string, address: Address): boolean {
  return [...pod.nics].some(([text, of]) => {
    const shown = parseAddress(text);
    return of === nic && shown.family === address.family && !sameAddress(shown, address);
  });
}
