// Sockets that listen on the loopback of each node, for programs that stand outside the nodes.

import { closeSync } from 'node:fs';
import { listenInNetns, openNetns } from '#kernel';

/** Descriptors that listen at 127.0.0.1 on this port of each node, and at `more` of the first one. */
export function listenOnNodes(
  nodes: readonly { readonly name: string }[],
  port: number,
  more: readonly string[] = [],
): number[] {
  const opened: number[] = [];
  try {
    for (const [index, { name }] of nodes.entries()) {
      using netns = openNetns(`/run/netns/${name}`);
      const addresses = ['127.0.0.1', ...(index === 0 ? more : [])];
      for (const address of addresses) opened.push(listenInNetns(netns, address, port));
    }
    return opened;
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    throw error;
  }
}
