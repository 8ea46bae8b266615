// What is read in a pod before it is planned: its links, routes and rules, and the NIC of an overlay.

import { OrbError } from '#base';
import type { Link, NetworkNamespace, Route, Rule } from '#net';
import {
  foreignUse,
  nicRoutes,
  type OverlayNic,
  type PodNic,
  type PodNumbers,
  podNumbers,
} from '#plan/network';

export interface PodSight {
  readonly links: readonly Link[];
  /** Routes of all tables, so that applying the plan need not read them again. */
  readonly routes: readonly Route[];
  /** Rules of both families. */
  readonly rules: readonly Rule[];
}

export function seePod(pod: NetworkNamespace): PodSight {
  return { links: pod.links(), routes: pod.routes(), rules: pod.rules() };
}

/** The two namespaces that contain a pod's network. */
export interface Namespaces {
  readonly pod: NetworkNamespace;
  readonly node: NetworkNamespace;
}

/** The recorded numbers. If an older agent recorded none, numbers that no other program uses in the pod. */
export function numbersIn(pod: NetworkNamespace, recorded: PodNumbers | undefined): PodNumbers {
  return recorded ?? podNumbers(foreignUse(pod.routes(), pod.rules()));
}

/**
 * The pod's first NIC, which an overlay made, and its other end if that is on the node. `recorded` comes from an
 * earlier look.
 */
export function seeOverlay(
  { pod, node }: Namespaces,
  name: string,
  sight: PodSight,
  recorded: PodNic | undefined,
): OverlayNic {
  const link = sight.links.find((one) => one.name === name);
  if (link === undefined) {
    throw new OrbError('COORDINATOR_LINK_TAKEN', {
      message: `interface ${name} is missing in the pod; in overlay mode the overlay's plugin makes it first (podDefaultCniNic)`,
      subject: `interface ${name}`,
    });
  }
  const addresses = pod
    .addresses({ dev: name })
    .filter(({ scope }) => scope === 'global')
    .map(({ address }) => address);
  const routes = nicRoutes({ name, addresses }, sight.routes, recorded);
  const peer = peerOf(link, node);
  return { name, addresses, routes, mac: link.mac ?? '', ...(peer !== undefined && { peer }) };
}

/**
 * The NIC's peer link on the node. IFLA_LINK of a macvlan is its parent. Only a link kind that comes in pairs, whose
 * other end points back, is a peer (Spiderpool put pods' routes on the node's physical NIC).
 */
function peerOf(link: Link, node: NetworkNamespace): OverlayNic['peer'] {
  if (link.kind !== 'veth' && link.kind !== 'netkit') return undefined;
  if (link.linkNetnsId === undefined) return undefined;
  const peer = node
    .links()
    .find(
      (other) => other.index === link.linkIndex && other.linkIndex === link.index && other.kind === link.kind,
    );
  return peer === undefined ? undefined : { name: peer.name, mac: peer.mac ?? '', kind: link.kind };
}
