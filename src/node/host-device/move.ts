// Moves a NIC between the node and a pod. One message to the kernel moves and renames it.

import type { Link, Mac, NetworkNamespace } from '#net';
import { type AttachedTo, aliasOf } from '#plan/host-device';

/** What a NIC was on the node. */
export interface NicBefore {
  readonly name: string;
  readonly mac: Mac;
  readonly mtuBytes: number;
  readonly up: boolean;
  readonly alias: string | undefined;
}

/** Moves the NIC `name` of the node to the pod, where it has the name of `own` and is down. */
export function moveToPod(
  node: NetworkNamespace,
  name: string,
  pod: NetworkNamespace,
  own: AttachedTo,
): void {
  // The kernel renames only links that are down.
  node.change([
    { verb: 'set', kind: 'link', link: { name, up: false } },
    {
      ...{ verb: 'set', kind: 'link' },
      link: { name, newName: own.key.interfaceName, netnsFd: pod.fd, alias: aliasOf(own) },
    },
  ]);
}

/**
 * Moves a link of a pod to the node, or renames one that has come to the node by itself, and makes it what it was there.
 * Returns the name that it has now. This is another one if a link of the node has taken its name.
 */
export function moveToNode(
  from: NetworkNamespace,
  link: Link,
  node: NetworkNamespace,
  before: NicBefore,
): string {
  const isBack = from.id === node.id;
  const newName = isBack && link.name === before.name ? link.name : freeName(node, before.name, link.index);
  const back = {
    name: link.name,
    alias: before.alias ?? '',
    // A virtual function whose address its driver holds refuses even the same one.
    ...(before.mac !== link.mac && { mac: before.mac }),
    ...(before.mtuBytes !== link.mtuBytes && { mtuBytes: before.mtuBytes }),
    ...(newName !== link.name && { newName }),
    ...(!isBack && { netnsFd: node.fd }),
  };
  from.change([
    { verb: 'set', kind: 'link', link: { name: link.name, up: false } },
    { verb: 'set', kind: 'link', link: back },
  ]);
  if (before.up) node.change([{ verb: 'set', kind: 'link', link: { name: newName, up: true } }]);
  return newName;
}

/** The name, or that which the kernel would choose: `dev` and a number. */
function freeName(node: NetworkNamespace, name: string, index: number): string {
  for (let wanted = name, next = index; ; wanted = `dev${next++}`) {
    if (node.link(wanted) === undefined) return wanted;
  }
}
