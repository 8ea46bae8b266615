// Which NICs of a VM are ours: ports that we make and attach for pods, one for each. Neither Neutron nor Nova says who
// made a port; this ledger does.

/** What pods ask of a NIC. NICs of the same kind serve each other's pods. */
export interface NicKind {
  readonly networkId: string;
  /** Ids of security groups; null: those that Neutron gives. */
  readonly groups: readonly string[] | null;
}

/** The port of a NIC, as far as a pod needs it. A pod then asks no server. */
export interface PortOfNic {
  readonly id: string;
  readonly mac: string;
  readonly mtuBytes: number | null;
  readonly addresses: readonly { readonly address: string; readonly gateway: string | null }[];
  readonly nameservers: readonly string[];
}

export interface VmNic extends NicKind {
  /** The name of the port: no other port has it. It is on the disk before Neutron hears of it. */
  readonly name: string;
  /**
   * `making`: asked for, and perhaps not there. `ready`: on the node, for the next pod, or with its owner. `used`: given
   * back; a floating IP may lead to it. `leaving`: it is detached, and its port is deleted.
   */
  readonly state: 'making' | 'ready' | 'used' | 'leaving';
  /** The attachment that has it; null: nobody. */
  readonly owner: string | null;
  readonly port: PortOfNic | null;
  /** When Neutron was first asked for the port by name, and had none (milliseconds since 1970). */
  readonly unseenAtMs: number | null;
}

/** The ledger of one VM. */
export interface NicLedger {
  readonly serverId: string;
  /** Eight hexadecimal digits: tells the names of this ledger from those of others. */
  readonly writer: string;
  /** Of the last name. */
  readonly sequence: number;
  readonly nics: readonly VmNic[];
  /** How many NICs the VM had when Nova refused another one, those of ours, and when that was; null: it never did. */
  readonly limit: { readonly count: number; readonly own: number; readonly atMs: number } | null;
}

/** After it, one more pod tries: the VM may have been resized. */
const LIMIT_DOUBTED_MS = 600_000;
/** A request for a port may be under way for so long after the one who sent it has died. */
const REQUEST_LIFE_MS = 60_000;

export function newNicLedger(serverId: string, writer: string): NicLedger {
  return { serverId, writer, sequence: 0, nics: [], limit: null };
}

/** A NIC that is asked for now, and its name. */
export function begunNic(
  ledger: NicLedger,
  { networkId, groups }: NicKind,
  owner: string | null,
): { readonly ledger: NicLedger; readonly name: string } {
  const sequence = ledger.sequence + 1;
  const name = `orbweaver ${ledger.writer}-${sequence}`;
  const nic: VmNic = { name, networkId, groups, state: 'making', owner, port: null, unseenAtMs: null };
  return { ledger: { ...ledger, sequence, nics: [...ledger.nics, nic] }, name };
}

/** The ledger with other fields of one NIC. */
export function withNic(ledger: NicLedger, name: string, fields: Partial<VmNic>): NicLedger {
  return { ...ledger, nics: ledger.nics.map((nic) => (nic.name === name ? { ...nic, ...fields } : nic)) };
}

export function withoutNic(ledger: NicLedger, name: string): NicLedger {
  return { ...ledger, nics: ledger.nics.filter((nic) => nic.name !== name) };
}

export function nicOfOwner({ nics }: NicLedger, owner: string): VmNic | undefined {
  return nics.find((nic) => nic.owner === owner && nic.state !== 'leaving');
}

const isIdle = ({ state, owner }: VmNic): boolean => state === 'ready' && owner === null;

export function isOfKind(nic: NicKind, kind: NicKind): boolean {
  return nic.networkId === kind.networkId && nic.groups?.join() === kind.groups?.join();
}

/** Gives an idle NIC of the kind to an owner that has none. The one that was idle longest comes first. */
export function given(ledger: NicLedger, kind: NicKind, owner: string): NicLedger {
  if (nicOfOwner(ledger, owner) !== undefined) return ledger;
  const idle = ledger.nics.find((nic) => isIdle(nic) && isOfKind(nic, kind));
  return idle === undefined ? ledger : withNic(ledger, idle.name, { owner });
}

/** Owners give back what they have. A NIC goes to the end of the list, so that it rests longest. */
export function givenBack(ledger: NicLedger, isReleased: (owner: string) => boolean): NicLedger {
  const isBack = ({ owner, state }: VmNic) => owner !== null && state !== 'leaving' && isReleased(owner);
  const back = ledger.nics.filter(isBack);
  if (back.length === 0) return ledger;
  const others = ledger.nics.filter((nic) => !isBack(nic));
  const after = back.map(
    (nic): VmNic => ({ ...nic, owner: null, state: nic.state === 'ready' ? 'used' : nic.state }),
  );
  return { ...ledger, nics: [...others, ...after] };
}

/** Marks as leaving the idle NICs above `high`, of each kind. Those that were given back last go first. */
export function trimmedNics(ledger: NicLedger, high: number): NicLedger {
  const kept: VmNic[] = [];
  const nics = ledger.nics.map((nic): VmNic => {
    if (!isIdle(nic)) return nic;
    if (kept.filter((one) => isOfKind(one, nic)).length >= high) return { ...nic, state: 'leaving' };
    kept.push(nic);
    return nic;
  });
  return { ...ledger, nics };
}

/** Idle NICs of other kinds make room for one of this kind. */
export function withRoomFor(ledger: NicLedger, kind: NicKind): NicLedger {
  const other = ledger.nics.find((nic) => isIdle(nic) && !isOfKind(nic, kind));
  return other === undefined ? ledger : withNic(ledger, other.name, { state: 'leaving' });
}

/** Kinds of which fewer than `low` NICs are idle or become so, with how many are missing. */
export function nicsToMake(
  { nics }: NicLedger,
  low: number,
): { readonly kind: NicKind; readonly count: number }[] {
  const kinds = nics.filter((nic, i) => nics.findIndex((one) => isOfKind(one, nic)) === i);
  return kinds.flatMap((kind) => {
    const free = nics.filter((nic) => nic.owner === null && nic.state !== 'leaving' && isOfKind(nic, kind));
    return free.length >= low ? [] : { kind, count: low - free.length };
  });
}

/** Whether Nova would refuse another NIC of a VM that has so many. */
export function isFull({ limit }: NicLedger, count: number, nowMs: number): boolean {
  return (
    limit !== null && count >= limit.count && nowMs >= limit.atMs && nowMs < limit.atMs + LIMIT_DOUBTED_MS
  );
}

/** What the next pods can have: idle NICs, and how many Nova would add. Undefined: it has refused none. */
export function nicSupply(
  ledger: NicLedger,
  nowMs: number,
): { readonly ready: number; readonly more: number | undefined } {
  const { nics, limit } = ledger;
  const there = nics.filter(({ state }) => state === 'ready' || state === 'used');
  const ready = there.filter(({ owner }) => owner === null).length;
  if (limit === null) return { ready, more: undefined };
  // Those that come and those that leave have a slot too.
  const left = Math.max(0, limit.own - nics.length);
  const isBelieved = isFull(ledger, limit.count, nowMs);
  return { ready, more: isBelieved ? left : Math.max(1, left) };
}

/** Whether a NIC whose port Neutron does not find by its name can have no port any more. */
export function neverCame({ unseenAtMs }: VmNic, nowMs: number): boolean {
  return unseenAtMs !== null && (nowMs >= unseenAtMs + REQUEST_LIFE_MS || nowMs < unseenAtMs);
}
