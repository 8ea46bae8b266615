// The alias of a NIC that is in a pod (ip-link(8)). The kernel keeps it when the NIC moves, also when it comes back by
// itself because the pod's namespace has ended. So it says whose the NIC is, and what it was called on the node.

import type { Link, Mac } from '#net';
import type { AttachmentKey } from '#plan/network';

const PREFIX = 'orbweaver';
/** IFALIASZ of the kernel, without the final zero. */
const LONGEST = 255;

/** What an alias says. */
export interface AttachedTo {
  /** The name of the NIC on the node. */
  readonly name: string;
  readonly key: AttachmentKey;
}

/** No name of an interface has a `:`. A long id of a container is cut. */
export function aliasOf({ name, key }: AttachedTo): string {
  return `${PREFIX}:${name}:${key.interfaceName}:${key.containerId}`.slice(0, LONGEST);
}

/** Undefined for an alias that is not ours. */
export function attachedTo(alias: string | undefined): AttachedTo | undefined {
  const [prefix, name, interfaceName, containerId] = alias?.split(':') ?? [];
  if (prefix !== PREFIX || name === undefined || interfaceName === undefined || !containerId)
    return undefined;
  return { name, key: { interfaceName, containerId } };
}

/**
 * The NIC of an attachment among the links of its pod: by its alias, or by its MAC address if the pod has changed the
 * alias. Links that the pod has made on the NIC may have its MAC address too.
 */
export function nicOfPod(
  links: readonly Link[],
  own: AttachedTo,
  { mac, virtual }: { readonly mac: Mac; readonly virtual: boolean },
): Link | undefined {
  return (
    nicWithAlias(links, own) ??
    links.find(
      (link) =>
        link.mac === mac && (link.kind !== undefined) === virtual && attachedTo(link.alias) === undefined,
    )
  );
}

/** On the node, the alias alone says that a link is the NIC: a bridge, for example, has the MAC address of its port. */
export function nicWithAlias(links: readonly Link[], own: AttachedTo): Link | undefined {
  return links.find(({ alias }) => alias === aliasOf(own));
}
