// A batch of changes on its way to the kernel: encoded, sent in as few datagrams as fit, every answer read.

import { type Change, describeChange, refusal } from '#net';
import { describeErrno } from './ffi/libc.ts';
import { changeAddress } from './netlink/address.ts';
import { createLink, deleteLink, setLink } from './netlink/link.ts';
import type { IndexOf } from './netlink/link-header.ts';
import type { Acknowledgement, Request } from './netlink/message.ts';
import { changeNeighbour } from './netlink/neighbour.ts';
import { changeRoute } from './netlink/route.ts';
import { changeRule } from './netlink/rule.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

const ENODEV = 19;

/**
 * Changes wait until the batch ends, or until one needs the index of a link that waits to be made or renamed.
 * Links could be given unused indexes of our choice instead, to send all at once; but between the choice and the
 * change another process may take the number, and our routes would go to its link. A round trip is 10 µs.
 */
export class ChangeBatch {
  readonly #socket: NetlinkSocket;
  readonly #lookUp: (name: string) => number | undefined;
  readonly #indexes = new Map<string, number>();
  #waiting: { change: Change; request: Request }[] = [];
  /** Names that mean another link, or one at all, only when what waits is done. */
  #unsettled = new Set<string>();
  #firstError: Error | undefined;

  /** `lookUp` asks the kernel for the index of a link. */
  constructor(socket: NetlinkSocket, lookUp: (name: string) => number | undefined) {
    this.#socket = socket;
    this.#lookUp = lookUp;
  }

  /** Tries every change, then throws the first error there was. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) this.#add(change);
    this.#send();
    if (this.#firstError !== undefined) throw this.#firstError;
  }

  #add(change: Change): void {
    const indexOf: IndexOf = (name) => {
      const index = this.#indexOf(name);
      if (index === undefined) throw refused(change, { errno: ENODEV, extAck: `no link named ${name}` });
      return index;
    };
    let request: Request;
    try {
      request = encode(change, indexOf);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // What waits comes before this change, and so do its errors.
      this.#send();
      this.#firstError ??= error;
      return;
    }
    this.#waiting.push({ change, request });
    if (change.kind === 'link') this.#forget(namesChangedBy(change));
  }

  #indexOf(name: string): number | undefined {
    if (this.#unsettled.has(name)) this.#send();
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const index = this.#lookUp(name);
    if (index !== undefined) this.#indexes.set(name, index);
    return index;
  }

  #forget(names: readonly string[]): void {
    for (const name of names) {
      this.#indexes.delete(name);
      this.#unsettled.add(name);
    }
  }

  #send(): void {
    const sent = this.#waiting;
    this.#waiting = [];
    this.#unsettled.clear();
    if (sent.length === 0) return;
    const answers = this.#socket.change(sent.map(({ request }) => request));
    sent.forEach(({ change }, i) => {
      const answer = answers[i];
      if (answer !== undefined && answer.errno !== 0) this.#firstError ??= refused(change, answer);
    });
  }
}

/** Names that after the change no longer mean what they meant before. */
function namesChangedBy(change: Extract<Change, { kind: 'link' }>): string[] {
  if (change.verb === 'delete') return [change.name];
  const { link } = change;
  if (change.verb === 'set') {
    const { name, newName, netnsFd } = change.link;
    return newName === undefined && netnsFd === undefined ? [] : [name, newName ?? name];
  }
  const type = change.link.type;
  return type.kind === 'veth' ? [link.name, type.peer.name] : [link.name];
}

function encode(change: Change, indexOf: IndexOf): Request {
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
  }
}

/** The kernel's refusal of a change. */
export function refused(change: Change, { errno, extAck }: Acknowledgement): Error {
  const object = describeChange(change);
  return refusal({ doing: `${change.verb} ${object}`, subject: object, extAck, ...describeErrno(errno) });
}
