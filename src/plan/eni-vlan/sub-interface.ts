// The interface of a pod of type `eni-vlan`: a VLAN on a NIC of the node. What is made, which links of a pod it is, and
// what CHECK compares.

import { OrbError } from '#base';
import type { Link, Mac } from '#net';
import { type AttachmentKey, fingerprint } from '#plan/network';

/** The interface as it is made, and as the record has it. */
export interface SubInterface {
  /** The name of the NIC or bond of the node. */
  readonly master: string;
  readonly vlanId: number;
  /** Undefined: that of the master. */
  readonly mac?: Mac | undefined;
  /** Undefined: what the kernel chooses, which is that of the master. */
  readonly mtuBytes?: number | undefined;
}

/** What decides about the interface. */
export interface SubInterfaceWish {
  readonly master: Link;
  /** Of the configuration, in bytes. 0 means that of the master. */
  readonly mtu: number;
  /** What the source of addresses demands. */
  readonly demand: { readonly vlan?: number; readonly mac?: Mac; readonly mtuBytes?: number } | undefined;
}

/** @throws OrbError ENI_VLAN_UNCHOSEN, or INPUT_INVALID for an MTU that the master does not carry */
export function plannedSubInterface({ master, mtu, demand = {} }: SubInterfaceWish): SubInterface {
  const { vlan: vlanId, mac, mtuBytes: demanded } = demand;
  if (mtu > master.mtuBytes) {
    throw new OrbError('INPUT_INVALID', {
      message: `eni-vlan configuration: mtu: ${mtu} is larger than the ${master.mtuBytes} of master ${master.name}`,
      subject: 'mtu',
    });
  }
  if (vlanId === undefined) {
    throw new OrbError('ENI_VLAN_UNCHOSEN', {
      message: `the source of addresses chose no VLAN on master ${master.name}: this network needs a network provider`,
      subject: 'eni-vlan configuration',
    });
  }
  const wanted = mtu === 0 ? master.mtuBytes : mtu;
  const mtuBytes = demanded === undefined ? mtu : Math.min(wanted, demanded);
  return {
    ...{ master: master.name, vlanId },
    ...(mac !== undefined && { mac }),
    ...(mtuBytes !== 0 && { mtuBytes }),
  };
}

/** The name in the pod before the interface has its own: the kernel makes no link abroad under a name of this node. */
export function temporaryName({ containerId, interfaceName }: AttachmentKey): string {
  return `eni${fingerprint(`${containerId}/${interfaceName}`)}`;
}

/** IFALIASZ of the kernel, without the final zero. */
const LONGEST_ALIAS = 255;

/** Says whose the link is, also if the record is lost. */
export function subInterfaceAlias({ containerId, interfaceName }: AttachmentKey): string {
  return `orbweaver eni-vlan ${interfaceName}:${containerId}`.slice(0, LONGEST_ALIAS);
}

/** Whether a link in a pod is the VLAN of this id on the link of the node that has this index. */
export function isInVlan(link: Link, vlanId: number, masterIndex: number | undefined): boolean {
  return (
    link.kind === 'vlan' &&
    link.vlanId === vlanId &&
    link.linkIndex === masterIndex &&
    link.linkNetnsId !== undefined
  );
}

/**
 * The links of the attachment among those of its pod: half made, finished, or with another alias. Without a record, the
 * last one is not known.
 */
export function linksOfAttachment(
  links: readonly Link[],
  key: AttachmentKey,
  recorded: { readonly vlanId: number; readonly masterIndex: number | undefined } | undefined,
): Link[] {
  return links.filter(
    (link) =>
      link.kind === 'vlan' &&
      (link.name === temporaryName(key) ||
        link.alias === subInterfaceAlias(key) ||
        (recorded !== undefined && isInVlan(link, recorded.vlanId, recorded.masterIndex))),
  );
}

/** How the link differs from what ADD has made: each a sentence. `masterIndex` is that of the master now. */
export function differencesOf(
  link: Link,
  { master, vlanId, mac, mtuBytes }: SubInterface,
  masterIndex: number | undefined,
): string[] {
  const { name } = link;
  if (link.kind !== 'vlan') return [`interface ${name} is no VLAN`];
  const isOnMaster = link.linkIndex === masterIndex && link.linkNetnsId !== undefined;
  return [
    ...(link.up ? [] : [`interface ${name} is down`]),
    ...(isOnMaster ? [] : [`interface ${name} is not on master ${master} of the node`]),
    ...(link.vlanId === vlanId ? [] : [`interface ${name} has VLAN ${link.vlanId}, and had ${vlanId}`]),
    ...(mac === undefined || link.mac === mac
      ? []
      : [`interface ${name} has MAC address ${link.mac}, and had ${mac}`]),
    ...(mtuBytes === undefined || link.mtuBytes === mtuBytes
      ? []
      : [`interface ${name} has MTU ${link.mtuBytes}, and had ${mtuBytes}`]),
  ];
}
