// A batch of changes for the kernel: encodes them, sends them in as few datagrams as possible, and reads every answer.

import { describeChange, missingLinkKind, type NetworkChange, refusal } from '#net';
import { describeErrno } from './ffi/index.ts';
import {
  type Acknowledgement,
  changeAddress,
  changeNeighbour,
  changeProxy,
  changeRoute,
  changeRule,
  createLink,
  decodeLink,
  deleteLink,
  getLinks,
  type IndexOf,
  type NetlinkSocket,
  type Request,
  setLink,
} from './netlink/index.ts';

const ENODEV = 19;

/**
 * One request looks up all links that the changes name. Changes wait until the batch ends, or until one needs the index
 * of a link that a waiting change makes or renames. The same datagram then asks for that index.
 * We could give links unused indexes of our choice and send everything at once. But another process may take such a
 * number before the change, and our routes would go to its link. A round trip takes 10 µs.
 */
export class ChangeBatch {
  readonly #socket: NetlinkSocket;
  readonly #indexes = new Map<string, number>();
  #waiting: { change: NetworkChange; request: Request }[] = [];
  /** Names that get a new meaning, or a meaning at all, only after the waiting changes are done. */
  #unsettled = new Set<string>();
  #firstError: Error | undefined;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Tries every change, then throws the first error. */
  apply(changes: readonly NetworkChange[]): void {
    const made = new Set(changes.flatMap((change) => (change.kind === 'link' ? namesChangedBy(change) : [])));
    this.#send([...new Set(changes.flatMap(linksUsedBy))].filter((name) => !made.has(name)));
    for (const change of changes) this.#add(change);
    this.#send();
    if (this.#firstError !== undefined) throw this.#firstError;
  }

  #add(change: NetworkChange): void {
    const indexOf: IndexOf = (name) => {
      const index = this.#indexOf(name);
      if (typeof index === 'number') return index;
      throw refused(change, { errno: index.errno, extAck: index.extAck ?? `no link named ${name}` });
    };
    let request: Request;
    try {
      request = encode(change, indexOf);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The waiting changes, and their errors, come before this change.
      this.#send();
      this.#firstError ??= error;
      return;
    }
    this.#waiting.push({ change, request });
    if (change.kind === 'link') this.#forget(namesChangedBy(change));
  }

  /** The index, or the reason why there is none. */
  #indexOf(name: string): number | Acknowledgement {
    const known = this.#unsettled.has(name) ? undefined : this.#indexes.get(name);
    if (known !== undefined) return known;
    const [answer = { errno: ENODEV, extAck: undefined }] = this.#send([name]);
    return this.#indexes.get(name) ?? answer;
  }

  #forget(names: readonly string[]): void {
    for (const name of names) {
      this.#indexes.delete(name);
      this.#unsettled.add(name);
    }
  }

  /**
   * Sends the waiting changes, and looks up links after them. Returns the kernel's answer to the look-up of each link.
   */
  #send(names: readonly string[] = []): Acknowledgement[] {
    const sent = this.#waiting;
    this.#waiting = [];
    this.#unsettled.clear();
    if (sent.length + names.length === 0) return [];
    const requests = [...sent.map(({ request }) => request), ...names.map((name) => getLinks(name))];
    const answers = this.#socket.change(requests, (message) => {
      const link = decodeLink(message);
      if (link !== undefined) this.#indexes.set(link.name, link.index);
    });
    sent.forEach(({ change }, i) => {
      const answer = answers[i];
      if (answer !== undefined && answer.errno !== 0) this.#firstError ??= refused(change, answer);
    });
    return answers.slice(sent.length);
  }
}

/** Names whose meaning the change changes. */
function namesChangedBy(change: Extract<NetworkChange, { kind: 'link' }>): string[] {
  if (change.verb === 'delete') return [change.name];
  const { link } = change;
  if (change.verb === 'set') {
    const { name, newName, netnsFd } = change.link;
    return newName === undefined && netnsFd === undefined ? [] : [name, newName ?? name];
  }
  const type = change.link.type;
  return type.kind === 'veth' ? [link.name, type.peer.name] : [link.name];
}

/** Names of links that must exist before the change, as far as the change itself shows them. */
function linksUsedBy(change: NetworkChange): string[] {
  switch (change.kind) {
    case 'link':
      return change.verb === 'set' ? [change.link.name] : [];
    case 'address':
      return [change.address.dev];
    case 'route':
      return [change.route, ...(change.route.nextHops ?? [])].flatMap(({ dev = [] }) => dev);
    case 'rule':
      return [];
    case 'neighbour':
      return [change.neighbour.dev];
    case 'proxy':
      return [change.proxy.dev];
  }
}

function encode(change: NetworkChange, indexOf: IndexOf): Request {
  switch (change.kind) {
    case 'link':
      if (change.verb === 'create') return createLink(change.link, indexOf);
      return change.verb === 'set' ? setLink(change.link, indexOf) : deleteLink(change.name, indexOf);
    case 'address':
      return changeAddress(change.verb, change.address, indexOf);
    case 'route':
      return changeRoute(change.verb, change.route, indexOf);
    case 'rule':
      return changeRule(change.verb, change.rule);
    case 'neighbour':
      return changeNeighbour(change.verb, change.neighbour, indexOf);
    case 'proxy':
      return changeProxy(change.verb, change.proxy, indexOf);
  }
}

/** The kernel's refusal of a change: KERNEL_LACKS for a kind of link that it cannot make, or else KERNEL_REFUSED. */
export function refused(change: NetworkChange, { errno, extAck }: Acknowledgement): Error {
  const said = { extAck, ...describeErrno(errno) };
  const isNewLink = change.kind === 'link' && change.verb === 'create';
  const missing = isNewLink ? missingLinkKind(change.link, said) : undefined;
  const object = describeChange(change);
  return missing ?? refusal({ doing: `${change.verb} ${object}`, subject: object, ...said });
}
