// Compares the present links with the desired links.

import type { Link, LinkSettings, Mac, Neighbour, NetworkChange } from '#net';
import type { DesiredLink, DesiredNamespace, ObservedNamespace } from '../state/index.ts';
import { type Finding, fixable } from './finding.ts';

export function linkFindings(desired: DesiredLink, observed: ObservedNamespace): Finding[] {
  const link = observed.links.find((other) => other.name === desired.name);
  if (link === undefined) return [missing(desired)];
  const wrong = faults(desired, link);
  if (wrong.length === 0) return [];
  // Do not set a MAC address again if it is right: the kernel deletes the link's neighbours each time.
  const { mac: _right, ...others } = settingsOf(desired);
  const settings = link.mac === desired.mac ? others : settingsOf(desired);
  const change: NetworkChange = {
    verb: 'set',
    kind: 'link',
    link: { name: desired.name, ...settings, up: true },
  };
  return [fixable(`link ${desired.name} ${wrong.join(' and ')}`, change)];
}

function missing(desired: DesiredLink): Finding {
  const { name, type } = desired;
  const problem = `link ${name} is missing`;
  if (type !== undefined) {
    const link = { name, type, ...settingsOf(desired), up: true };
    return fixable(problem, { verb: 'create', kind: 'link', link });
  }
  // The kernel creates a peer together with its other end. The peer only needs to be set up.
  if (desired.peerName !== undefined) {
    return fixable(problem, { verb: 'set', kind: 'link', link: { name, up: true } });
  }
  return { problem };
}

function faults({ mac, mtuBytes, txQueueLength }: DesiredLink, link: Link): string[] {
  return [
    ...(mac !== undefined && link.mac !== mac ? [`has MAC address ${link.mac}, not ${mac}`] : []),
    ...(mtuBytes !== undefined && link.mtuBytes !== mtuBytes
      ? [`has MTU ${link.mtuBytes}, not ${mtuBytes}`]
      : []),
    ...(txQueueLength !== undefined && link.txQueueLength !== txQueueLength
      ? [`has transmit queue length ${link.txQueueLength}, not ${txQueueLength}`]
      : []),
    ...(link.up ? [] : ['is down']),
  ];
}

function settingsOf({
  mac,
  mtuBytes,
  txQueueLength,
}: DesiredLink): Pick<LinkSettings, 'mac' | 'mtuBytes' | 'txQueueLength'> {
  return {
    ...(mac !== undefined && { mac }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(txQueueLength !== undefined && { txQueueLength }),
  };
}

/**
 * The neighbours that will remain. If a link's MAC address changes, the kernel deletes its neighbours, also permanent
 * ones.
 */
export function lastingNeighbours(
  desired: DesiredNamespace,
  observed: ObservedNamespace,
): readonly Neighbour[] {
  const changing = desired.links
    .filter(
      ({ name, mac }) => mac !== undefined && observed.links.find((link) => link.name === name)?.mac !== mac,
    )
    .map(({ name }) => name);
  return observed.neighbours.filter(({ dev }) => !changing.includes(dev));
}

/**
 * Whether a link of the node is our end of a veth pair for a container. The name proves little, because another program
 * may use it for its own link. The MAC address is derived from the whole container id.
 */
export function isHostLink(link: Link | undefined, hostMac: Mac): boolean {
  return link?.kind === 'veth' && link.mac === hostMac;
}

export function arePeers(a: Link, b: Link): boolean {
  return a.kind === 'veth' && b.kind === 'veth' && a.linkIndex === b.index && b.linkIndex === a.index;
}
