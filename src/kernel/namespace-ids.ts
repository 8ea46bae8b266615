// The ids by which a namespace knows other namespaces, as events from other namespaces contain them. Assigns one if
// there is none.

import { OrbError } from '#base';
import { refusal } from '#net';
import { describeErrno } from './ffi/index.ts';
import {
  type Acknowledgement,
  assignNamespaceId,
  decodeNamespaceId,
  getNamespaceId,
  NetlinkSocket,
} from './netlink/index.ts';
import { inNetns, type NetnsHandle } from './netns.ts';

export class NamespaceIds {
  readonly #socket: NetlinkSocket;

  constructor(home: NetnsHandle) {
    this.#socket = inNetns(home, () => new NetlinkSocket(home.path));
  }

  /** The id of the namespace that the descriptor refers to. It is free for another namespace when this one is gone. */
  of(fd: number): number {
    const found = this.#find(fd);
    if (found !== undefined) return found;
    // A veth between the two namespaces has already caused an id. A pod without one gets it here.
    const [assigned] = this.#socket.change([assignNamespaceId(fd)]);
    const made = this.#find(fd);
    if (made !== undefined) return made;
    if (assigned !== undefined && assigned.errno !== 0) throw refused('give an id to', fd, assigned);
    throw new OrbError('INTERNAL', { message: 'the kernel gave a network namespace no id' });
  }

  #find(fd: number): number | undefined {
    const answer = this.#socket.get(getNamespaceId(fd), decodeNamespaceId);
    if (typeof answer !== 'object') return answer;
    throw refused('find the id of', fd, answer);
  }

  close(): void {
    this.#socket.close();
  }
}

function refused(doing: string, fd: number, { errno, extAck }: Acknowledgement): OrbError {
  const subject = `network namespace of descriptor ${fd}`;
  return refusal({ doing: `${doing} a network namespace`, subject, ...describeErrno(errno), extAck });
}
