// Waits until a link appears in a namespace. The kernel tells of it; nothing is polled.

import { abortable } from '#base';
import { monitorNetns, openNetns } from '#kernel';
import type { Link, NetworkNamespace } from '#net';

/** The link, now or later. Rejects with the reason of the signal when it aborts first. */
export async function linkArrives(
  namespace: NetworkNamespace,
  isIt: (link: Link) => boolean,
  signal: AbortSignal,
): Promise<Link> {
  signal.throwIfAborted();
  const arrived = Promise.withResolvers<Link>();
  const look = () => {
    const link = namespace.links().find(isIt);
    if (link !== undefined) arrived.resolve(link);
  };
  using netns = openNetns(`/proc/self/fd/${namespace.fd}`);
  const monitor = monitorNetns(netns, ['link'], (event) => {
    if (event.kind === 'resync' || (event.kind === 'link' && !event.gone && isIt(event.link))) look();
  });
  try {
    look();
    return await abortable(arrived.promise, signal);
  } finally {
    monitor.close();
  }
}
