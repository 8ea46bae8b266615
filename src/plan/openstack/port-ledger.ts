// Which addresses of pods are ours in Neutron, and what a write of a port that was begun has come to. Neutron does not say
// who added an address; this ledger does.

/** A fixed IP of a port, as Neutron has it. */
export interface PortAddress {
  readonly subnet_id: string;
  readonly ip_address: string;
}

/** What an address must be. */
export interface Wanted {
  readonly subnetId: string;
  /** Ids of the security groups that its own port must have; null: those of the node. */
  readonly groups: readonly string[] | null;
  /** This one alone; null: any. */
  readonly address: string | null;
}

/** An address that we have for pods. */
export interface OwnAddress {
  readonly subnetId: string;
  readonly address: string;
  /** The port of our own that reserves it; null: it stands on the VM's port. */
  readonly portId: string | null;
  /** The security groups that it was made for; null: those of the node. */
  readonly groups: readonly string[] | null;
  /**
   * The address pair that lets it through the VM's port. `none`: it needs none. `new`: nobody has looked yet. `adding`:
   * a write that adds it may be under way. `ours`: we added it.
   */
  readonly pair: 'none' | 'new' | 'adding' | 'ours';
  /** Who has it; null: nobody. */
  readonly owner: string | null;
  /** It is being taken off the port: nobody gets it any more. */
  readonly leaving: boolean;
  /** The last look at the port did not find it: nobody gets it. After a second such look it is forgotten. */
  readonly missing: boolean;
  /** Nobody gets it before this time (milliseconds since 1970), and before a look for floating IPs; null: it is no such. */
  readonly restsUntilMs: number | null;
}

/** A write that was begun: it is on disk before Neutron hears of it. */
export interface Intent {
  /** Stands in the port's description once the write is done. */
  readonly mark: string;
  readonly subnetId: string;
  readonly count: number;
  /** The port's revision and addresses before the write. */
  readonly revision: number;
  readonly before: readonly string[];
}

/** Ports of our own that were begun: it is on disk before Neutron hears of it. */
export interface Making {
  /** All of them have this name, and no others. */
  readonly name: string;
  readonly wanted: Wanted;
}

/** The ledger of one node: of the addresses on one port, or of those that ports of our own reserve. */
export interface PortLedger {
  /** Its file's. */
  readonly name: string;
  /** Eight hexadecimal digits: tells the marks of this ledger from those of others. */
  readonly writer: string;
  /** Of the last mark. */
  readonly sequence: number;
  readonly addresses: readonly OwnAddress[];
  readonly intent: Intent | null;
  readonly making: Making | null;
  /** Addresses that this node or another program added: nobody gets them, and nobody takes them off. */
  readonly unsure: readonly string[];
}

/** What is read of the port. */
export interface PortState {
  readonly fixed_ips: readonly PortAddress[];
  readonly description: string;
  readonly revision_number: number;
}

/** Neutron's limit of a description. */
const DESCRIPTION_MAXIMUM = 255;
const MARK = /\s*\[orbweaver ([0-9a-f]{8}-\d+)\]/g;

export function newLedger(name: string, writer: string): PortLedger {
  return { name, writer, sequence: 0, addresses: [], intent: null, making: null, unsure: [] };
}

/** One that nobody has yet. */
export function newAddress(
  fields: Pick<OwnAddress, 'subnetId' | 'address'> & Partial<OwnAddress>,
): OwnAddress {
  const onVmPort = { portId: null, groups: null, pair: 'none' } as const;
  return { ...onVmPort, owner: null, leaving: false, missing: false, restsUntilMs: null, ...fields };
}

/** A ledger that has used one more mark, and the mark. */
export function nextMark(ledger: PortLedger): { readonly ledger: PortLedger; readonly mark: string } {
  const sequence = ledger.sequence + 1;
  return { ledger: { ...ledger, sequence }, mark: `${ledger.writer}-${sequence}` };
}

/** The description with this mark in place of any other. Undefined if the user's own words leave no room. */
export function withMark(description: string, mark: string): string | undefined {
  const words = withoutMark(description);
  const marked = `${words}${words === '' ? '' : ' '}[orbweaver ${mark}]`;
  return marked.length <= DESCRIPTION_MAXIMUM ? marked : undefined;
}

/** The user's own words. */
export const withoutMark = (description: string): string => description.replaceAll(MARK, '');

/** The mark of the last write of a ledger; undefined if there is none. */
export function markOf(description: string): string | undefined {
  return Array.from(description.matchAll(MARK), ([, mark]) => mark).at(-1);
}

/** What a begun write has come to. */
export type Settlement =
  /** Its addresses are in the ledger, free. */
  | { readonly is: 'done'; readonly ledger: PortLedger }
  /** It changed nothing, or nobody knows, and it cannot change anything any more. */
  | { readonly is: 'void'; readonly ledger: PortLedger }
  /** It changed nothing yet. Its request may still be under way: another write of the port ends that. */
  | { readonly is: 'pending' };

/**
 * Looks at the port after a write. The mark says whether the last write was ours. If it was, what came into the subnet
 * is ours, if it is as much as was asked for. If another write came later, nobody knows whose the addresses are that
 * came: they are unsure.
 */
export function settle(ledger: PortLedger, intent: Intent, port: PortState): Settlement {
  const came = port.fixed_ips
    .filter((one) => one.subnet_id === intent.subnetId && !intent.before.includes(one.ip_address))
    .map((one) => one.ip_address)
    .filter((address) => !ledger.addresses.some((own) => own.address === address));
  const settled = { ...ledger, intent: null };
  if (markOf(port.description) === intent.mark) {
    if (came.length > intent.count) return { is: 'done', ledger: withUnsure(settled, came, port) };
    const addresses = came.map((address) => newAddress({ subnetId: intent.subnetId, address }));
    return { is: 'done', ledger: { ...settled, addresses: [...settled.addresses, ...addresses] } };
  }
  if (port.revision_number === intent.revision) return { is: 'pending' };
  return { is: 'void', ledger: withUnsure(settled, came, port) };
}

function withUnsure(ledger: PortLedger, addresses: readonly string[], port: PortState): PortLedger {
  const there = port.fixed_ips.map((one) => one.ip_address);
  const unsure = [...new Set([...ledger.unsure, ...addresses])].filter((one) => there.includes(one));
  return { ...ledger, unsure };
}

/** The list of a port with so many new addresses of a subnet: Neutron chooses them. What is there is named whole, or Neutron would give it again. */
export function listWithMore(
  port: PortState,
  wanted: Pick<Wanted, 'subnetId' | 'address'>,
  count: number,
): AddressAsked[] {
  const more = Array.from({ length: count }, () => askedOf(wanted));
  return [...port.fixed_ips.map(asSent), ...more];
}

/** An address of a list that Neutron is sent. With `subnet_id` alone it asks for any free one of the subnet. */
export interface AddressAsked {
  readonly subnet_id: string;
  readonly ip_address?: string;
}

export function askedOf({ subnetId, address }: Pick<Wanted, 'subnetId' | 'address'>): AddressAsked {
  return { subnet_id: subnetId, ...(address !== null && { ip_address: address }) };
}

/** The list of a port without those of our addresses that leave it. Everything else stays, whoever added it. */
export function listWithout(port: PortState, ledger: PortLedger): PortAddress[] {
  const leaving = new Set(ledger.addresses.filter((own) => own.leaving).map((own) => own.address));
  return port.fixed_ips.filter((one) => !leaving.has(one.ip_address)).map(asSent);
}

const asSent = ({ subnet_id, ip_address }: PortAddress): PortAddress => ({ subnet_id, ip_address });

/** The address that an owner has in a subnet; undefined if it has none. */
export function addressOf(ledger: PortLedger, owner: string, subnetId: string): string | undefined {
  return ledger.addresses.find(
    (own) => own.owner === owner && own.subnetId === subnetId && !own.leaving && !own.missing,
  )?.address;
}

/** Whether nobody has it, and somebody may get it now or soon. */
export function isFree(own: OwnAddress): boolean {
  return own.owner === null && !own.leaving && !own.missing;
}

/** Whether the next owner may get it. */
export function isReady(own: OwnAddress): boolean {
  return isFree(own) && own.restsUntilMs === null && (own.pair === 'none' || own.pair === 'ours');
}

function fits(own: OwnAddress, wanted: Wanted): boolean {
  return (
    own.subnetId === wanted.subnetId &&
    own.groups?.join() === wanted.groups?.join() &&
    (wanted.address === null || own.address === wanted.address)
  );
}

/** Gives a ready address of the subnet to each owner that has none, as far as there are any. */
export function assign(ledger: PortLedger, owners: readonly string[], wanted: Wanted): PortLedger {
  const { subnetId } = wanted;
  const without = new Set(owners.filter((owner) => addressOf(ledger, owner, subnetId) === undefined));
  const waiting = [...without];
  const addresses = ledger.addresses.map((own) => {
    if (!fits(own, wanted) || !isReady(own)) return own;
    const owner = waiting.shift();
    return owner === undefined ? own : { ...own, owner };
  });
  return waiting.length === without.size ? ledger : { ...ledger, addresses };
}

/** The owners give back what they have. It rests until then, and is theirs no more. */
export function release(
  ledger: PortLedger,
  isReleased: (own: OwnAddress & { readonly owner: string }) => boolean,
  restsUntilMs: number,
): PortLedger {
  const addresses = ledger.addresses.map((own) =>
    own.owner !== null && isReleased({ ...own, owner: own.owner })
      ? { ...own, owner: null, restsUntilMs }
      : own,
  );
  return { ...ledger, addresses };
}

/** The ledger that gives up all that it has. */
export function allLeaving(ledger: PortLedger): PortLedger {
  return { ...ledger, addresses: ledger.addresses.map((own) => ({ ...own, owner: null, leaving: true })) };
}

/** The ledger without the leaving addresses that the port no longer has. */
export function forgetGone(ledger: PortLedger, port: Pick<PortState, 'fixed_ips'>): PortLedger {
  const there = new Set(port.fixed_ips.map((one) => one.ip_address));
  return { ...ledger, addresses: ledger.addresses.filter((own) => !own.leaving || there.has(own.address)) };
}
