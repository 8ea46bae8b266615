// The end of connected UDP sockets whose backend is gone. No packet tells their programs, which wait for an answer.

import { isOrbError } from '#base';
import { sameAddress } from '#ip';
import { errnoOf, refusal } from '#net';
import type { FollowedSocket } from '#plan/service';
import { describeErrno } from '../ffi/index.ts';
import { openGivenNetns } from '../given-netns.ts';
import {
  type ConnectedSocket,
  decodeConnectedUdp,
  destroySocket,
  getConnectedUdp,
  NETLINK_SOCK_DIAG,
  NetlinkSocket,
} from '../netlink/index.ts';
import { inNetns, type NetnsHandle } from '../netns.ts';
import { unmapped } from './service-maps.ts';

const ENOENT = 2;
const unseen = ['ENOENT', 'ESRCH', 'EACCES'];

/**
 * Ends those of the sockets that are in the namespaces. A program that waits on one gets ECONNABORTED. Returns how many.
 * A namespace that has gone meanwhile is no error. Throws KERNEL_REFUSED where the kernel cannot end sockets.
 */
export async function endConnectedUdp(
  paths: readonly string[],
  sockets: readonly FollowedSocket[],
): Promise<number> {
  const byCookie = new Map(sockets.map((socket) => [socket.cookie, socket]));
  const seen = new Set<string>();
  let ended = 0;
  for (const path of paths) {
    using netns = await openIfThere(path);
    if (netns === undefined || seen.has(netns.id)) continue;
    seen.add(netns.id);
    ended += endInNamespace(netns, byCookie);
  }
  return ended;
}

async function openIfThere(path: string): Promise<NetnsHandle | undefined> {
  try {
    return await openGivenNetns(path);
  } catch (error) {
    // A namespace or a process that has gone, a file that waits for its namespace, or a process of which we may know nothing.
    if (isOrbError(error, 'NETNS_INVALID') || unseen.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function endInNamespace(netns: NetnsHandle, byCookie: ReadonlyMap<bigint, FollowedSocket>): number {
  const diag = inNetns(netns, () => new NetlinkSocket(netns.path, NETLINK_SOCK_DIAG));
  try {
    const all = ([4, 6] as const).flatMap((family) => diag.dump(getConnectedUdp(family), decodeConnectedUdp));
    const stale = all.filter((socket) => isAt(socket, byCookie.get(socket.cookie)));
    const answers = diag.change(stale.map(destroySocket));
    const refused = answers.find(({ errno }) => errno !== 0 && errno !== ENOENT);
    if (refused !== undefined) {
      const doing = 'end a UDP socket whose backend is gone';
      throw refusal({ doing, subject: netns.path, ...describeErrno(refused.errno), extAck: refused.extAck });
    }
    return answers.filter(({ errno }) => errno === 0).length;
  } finally {
    diag.close();
  }
}

/** connect(AF_UNSPEC) leaves what was followed. The peer tells whether the socket still speaks with the backend. */
function isAt({ peer }: ConnectedSocket, followed: FollowedSocket | undefined): boolean {
  if (followed === undefined) return false;
  const { address, port } = followed.backend;
  return port === peer.port && sameAddress(address, unmapped(peer.address));
}
