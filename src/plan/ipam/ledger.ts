// The holder of each address of one pool. Reads, searches, changes and writes `status.allocatedIPs`.

import type { IaasPlace, PoolAllocation, SpiderIPPool } from '#api';
import { OrbError } from '#base';
import { type Address, AddressSet, type Family, formatAddress, parseAddress } from '#ip';
import { type Pool, parsePool } from './pool.ts';
import {
  appendedRecords,
  closedText,
  openText,
  openTextWith,
  parseRecords,
  recordBytes,
  recordsText,
} from './records.ts';

/** Who asks for an address or holds it. (podUid, nic) identifies the owner in a pool. The name is for people. */
export interface AddressOwner {
  /** Whether it takes over what earlier pods of its name left for the NIC. */
  readonly fixed?: boolean;
  /** `namespace/name`. */
  readonly pod: string;
  readonly podUid: string;
  readonly nic: string;
  /** Where the provider of an IaaS is asked to bind the address, after it was taken. The record keeps it. */
  readonly iaas?: IaasPlace;
}

/** The status of the pool that one write stores. `allocatedIPs` is absent if no address is held. */
export interface PoolStatus {
  readonly allocatedIPs?: string;
  readonly totalIPCount: number;
  readonly allocatedIPCount: number;
}

/**
 * The records of a pool. Change only a {@link PoolLedger.copy}. A ledger that others keep never changes. Records keep
 * the fields that others wrote. Records of Spiderpool have no `nic`.
 */
export class PoolLedger {
  readonly pool: Pool;
  readonly #records: Map<string, PoolAllocation>;
  /** The addresses that each podUid holds. The arrays are replaced, never changed. */
  readonly #byUid: Map<string, readonly string[]>;
  #free: AddressSet;
  #bytes: number;
  /** The records as text, if known. */
  #text: string | undefined;
  /** The same as {@link openText}, if known. */
  #open: string | undefined;

  private constructor(
    pool: Pool,
    records: Map<string, PoolAllocation>,
    byUid: Map<string, readonly string[]>,
    free: AddressSet,
    bytes: number,
    text: string | undefined,
    open: string | undefined,
  ) {
    this.pool = pool;
    this.#records = records;
    this.#byUid = byUid;
    this.#free = free;
    this.#bytes = bytes;
    this.#text = text;
    this.#open = open;
  }

  /**
   * Reads the pool and its records. `previous` is what this process read or wrote before. It avoids parsing records
   * that did not change.
   * @throws OrbError IPPOOL_INVALID for a bad spec, IPPOOL_STATUS_INVALID for unreadable records
   */
  static read(object: SpiderIPPool, previous?: PoolLedger): PoolLedger {
    const pool = parsePool(object, previous?.pool);
    const text = object.status?.allocatedIPs ?? '';
    const isSamePool = previous?.pool.name === pool.name && previous.pool.family === pool.family;
    const known = isSamePool ? previous : undefined;
    const sameOffer = known?.pool.addresses.equals(pool.addresses) === true ? known : undefined;
    if (known?.text === text) {
      const free = sameOffer === undefined ? freeOf(pool, known.#records) : sameOffer.#free;
      return new PoolLedger(pool, known.#records, known.#byUid, free, known.#bytes, text, known.#open);
    }
    const appended = sameOffer === undefined ? undefined : sameOffer.#withAppended(pool, text);
    if (appended !== undefined) return appended;
    const records = parseRecords(pool.name, pool.family, text, known?.records);
    const byUid = new Map<string, readonly string[]>();
    for (const [address, { podUid }] of records) byUid.set(podUid, [...(byUid.get(podUid) ?? []), address]);
    const free = sameOffer === undefined ? freeOf(pool, records) : sameOffer.#freeAfter(records);
    return new PoolLedger(pool, records, byUid, free, text.length, text, openText(text, records));
  }

  /** These records and those that `text` has after them. Undefined if it differs in another way. */
  #withAppended(pool: Pool, text: string): PoolLedger | undefined {
    const appended = appendedRecords(pool.name, pool.family, text, this.#open ?? '');
    if (appended === undefined || [...appended.keys()].some((key) => this.#records.has(key)))
      return undefined;
    const ledger = this.copy(pool);
    for (const [key, record] of appended) ledger.#add(key, record);
    ledger.#free = this.#free.difference(addressSet(pool.family, appended.keys()));
    ledger.#text = text;
    ledger.#open = openText(text, ledger.#records);
    ledger.#bytes = text.length;
    return ledger;
  }

  /** A separate ledger to change, of the pool's newest spec. The original does not change. */
  copy(pool = this.pool): PoolLedger {
    return new PoolLedger(
      pool,
      new Map(this.#records),
      new Map(this.#byUid),
      this.#free,
      this.#bytes,
      this.#text,
      this.#open,
    );
  }

  /** Addresses with a record. Some may be outside of the pool's ranges, if these were changed. */
  get held(): AddressSet {
    return addressSet(this.pool.family, this.#records.keys());
  }

  /** Addresses of the pool that nobody holds. */
  get free(): AddressSet {
    return this.#free;
  }

  /** Those of them that may be given out: where a provider makes addresses ready, no others. */
  get offered(): AddressSet {
    const { provision } = this.pool;
    return provision === undefined ? this.#free : this.#free.intersection(provision.ready);
  }

  /** The approximate size of the records as text, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The records as `status.allocatedIPs`. Empty if there are none. */
  get text(): string {
    if (this.#text !== undefined) return this.#text;
    this.#text = this.#open === undefined ? recordsText(this.#records) : closedText(this.#open);
    this.#open ??= openText(this.#text, this.#records);
    return this.#text;
  }

  get status(): PoolStatus {
    const { text } = this;
    return {
      ...(text !== '' && { allocatedIPs: text }),
      totalIPCount: safeCount(this.pool.addresses.count),
      allocatedIPCount: this.#records.size,
    };
  }

  /** Every record, by the canonical text of its address. */
  get records(): ReadonlyMap<string, PoolAllocation> {
    return this.#records;
  }

  holderOf(address: Address): PoolAllocation | undefined {
    return this.#records.get(formatAddress(address));
  }

  /**
   * The address that the owner holds. A record without NIC comes from Spiderpool. It counts if it is the only record of
   * the UID, because Spiderpool gives one pod only one address of a pool.
   */
  addressOf({ podUid, nic }: Pick<AddressOwner, 'podUid' | 'nic'>): Address | undefined {
    const held = this.#heldBy(podUid);
    const own = held.find(([, record]) => record.nic === nic);
    const unnamed = held.filter(([, record]) => record.nic === undefined);
    const found = own ?? (unnamed.length === 1 ? unnamed[0] : undefined);
    return found === undefined ? undefined : parseAddress(found[0]);
  }

  /** The address that an earlier pod of the same name left for the NIC. As above, a record without NIC counts if it is alone. */
  addressLeftTo({ pod, podUid, nic }: AddressOwner): Address | undefined {
    const left = [...this.#records].filter(([, record]) => record.pod === pod && record.podUid !== podUid);
    const found = left.find(([, record]) => record.nic === nic) ?? (left.length === 1 ? left[0] : undefined);
    return found === undefined || (found[1].nic ?? nic) !== nic ? undefined : parseAddress(found[0]);
  }

  /** All addresses that the pod holds here, with the NIC if the record names it. */
  addressesOf(podUid: string): { readonly address: Address; readonly nic: string | undefined }[] {
    return this.#heldBy(podUid).map(([text, { nic }]) => ({ address: parseAddress(text), nic }));
  }

  /**
   * Records the owner as the holder of the address. Other fields of an earlier record stay. A fixed owner may take the
   * address of an earlier pod of its name.
   */
  take(address: Address, owner: AddressOwner): void {
    const key = formatAddress(address);
    const old = this.#records.get(key);
    const isOther = old !== undefined && old.podUid !== owner.podUid;
    if (isOther && !(owner.fixed === true && old.pod === owner.pod)) {
      const message = `address ${key} of IPPool ${this.pool.name} is held by ${old.pod}, not free for ${owner.pod}`;
      throw new OrbError('INTERNAL', { message });
    }
    if (old !== undefined) this.#bytes -= recordBytes(key, old);
    if (old !== undefined) this.#unlist(key, old.podUid);
    const { pod, podUid, nic, iaas } = owner;
    const record = { ...old, pod, podUid, nic, ...(iaas !== undefined && { iaas }) };
    this.#add(key, record);
    this.#text = undefined;
    if (old !== undefined) this.#open = undefined;
    else if (this.#open !== undefined) this.#open = openTextWith(this.#open, key, record);
    this.#bytes += recordBytes(key, record);
    this.#free = this.#free.without(address);
  }

  /** Deletes the record of the address. */
  drop(address: Address): void {
    const key = formatAddress(address);
    const record = this.#records.get(key);
    if (record === undefined) return;
    this.#records.delete(key);
    this.#text = undefined;
    this.#open = undefined;
    this.#bytes -= recordBytes(key, record);
    this.#unlist(key, record.podUid);
    if (this.pool.addresses.contains(address)) this.#free = this.#free.with(address);
  }

  #add(key: string, record: PoolAllocation): void {
    this.#records.set(key, record);
    this.#byUid.set(record.podUid, [...(this.#byUid.get(record.podUid) ?? []), key]);
  }

  #unlist(key: string, podUid: string): void {
    const rest = (this.#byUid.get(podUid) ?? []).filter((held) => held !== key);
    if (rest.length === 0) this.#byUid.delete(podUid);
    else this.#byUid.set(podUid, rest);
  }

  /** The free addresses when these are the records. */
  #freeAfter(records: ReadonlyMap<string, PoolAllocation>): AddressSet {
    const { family, addresses } = this.pool;
    const taken = [...records.keys()].filter((address) => !this.#records.has(address));
    const freed = [...this.#records.keys()].filter((address) => !records.has(address));
    const offered = addressSet(family, freed).intersection(addresses);
    return this.#free.difference(addressSet(family, taken)).union(offered);
  }

  #heldBy(podUid: string): [string, PoolAllocation][] {
    const addresses = this.#byUid.get(podUid) ?? [];
    return addresses.map((address) => [address, this.#records.get(address) as PoolAllocation]);
  }
}

function freeOf(pool: Pool, records: ReadonlyMap<string, PoolAllocation>): AddressSet {
  return pool.addresses.difference(addressSet(pool.family, records.keys()));
}

function addressSet(family: Family, addresses: Iterable<string>): AddressSet {
  return AddressSet.ofAddresses(family, Array.from(addresses, parseAddress));
}

/** Counts are int64 in the API, but JSON numbers are exact only up to 2^53−1 here. A larger pool reports 2^53−1. */
function safeCount(count: bigint): number {
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count);
}
