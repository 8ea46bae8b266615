// The contents of IFLA_INFO_DATA for each kind of link (if_link.h).

import { parseAddress } from '#ip';
import { bondOptions, type LinkKind, readBondOption } from '#net';
import type { MessageBody } from './attributes.ts';
import { IFLA_IFNAME, IFLA_NET_NS_FD, type IndexOf, linkHeader, writeProperties } from './link-header.ts';

const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
/** struct ifla_vlan_flags: VLAN_FLAG_LOOSE_BINDING is set, and no other flag is changed (if_vlan.h). */
const looseBinding = Uint8Array.of(4, 0, 0, 0, 4, 0, 0, 0);

export function writeLinkKind(body: MessageBody, type: LinkKind, indexOf: IndexOf): void {
  switch (type.kind) {
    case 'veth':
      writeVethPeer(body, type.peer);
      return;
    case 'macvlan':
      body.u32(1, macvlanModes[type.mode]); // IFLA_MACVLAN_MODE
      return;
    case 'ipvlan':
      body.u16(1, ipvlanModes[type.mode]); // IFLA_IPVLAN_MODE
      return;
    case 'vlan':
      body.u16(1, type.vlanId); // IFLA_VLAN_ID
      if (type.looseBinding === true) body.bytes(2, looseBinding); // IFLA_VLAN_FLAGS
      return;
    case 'bridge':
      if (type.vlanFiltering !== undefined) body.u8(7, Number(type.vlanFiltering)); // IFLA_BR_VLAN_FILTERING
      return;
    case 'vxlan':
      writeVxlan(body, type, indexOf);
      return;
    case 'dummy':
      return;
    case 'bond':
      writeBond(body, type, indexOf);
      return;
  }
}

type Kind<K extends LinkKind['kind']> = Extract<LinkKind, { kind: K }>;

/**
 * VETH_INFO_PEER holds a complete link message: header, then attributes. IFLA_NET_NS_FD in it creates the peer in that
 * namespace.
 */
function writeVethPeer(body: MessageBody, peer: Kind<'veth'>['peer']): void {
  const VETH_INFO_PEER = 1;
  body.nested(VETH_INFO_PEER, () => {
    linkHeader(body, 0).text(IFLA_IFNAME, peer.name);
    writeProperties(body, peer);
    if (peer.netnsFd !== undefined) body.u32(IFLA_NET_NS_FD, peer.netnsFd);
  });
}

function writeVxlan(body: MessageBody, type: Kind<'vxlan'>, indexOf: IndexOf): void {
  const [ID, LINK, LOCAL, LEARNING, PORT, LOCAL6] = [1, 3, 4, 7, 15, 17];
  body.u32(ID, type.vni).u8(LEARNING, Number(type.learning));
  body.bytes(PORT, Uint8Array.of(type.port >> 8, type.port & 0xff));
  if (type.local !== undefined) body.address(type.local.family === 4 ? LOCAL : LOCAL6, type.local);
  if (type.parent !== undefined) body.u32(LINK, indexOf(type.parent));
}

function writeBond(body: MessageBody, { mode, options = {} }: Kind<'bond'>, indexOf: IndexOf): void {
  const IFLA_BOND_MODE = 1;
  body.u8(IFLA_BOND_MODE, mode);
  writeBondOptions(body, options, indexOf);
}

/** Writes numbers, link names, MAC addresses and lists of addresses, each in the format of its attribute. */
export function writeBondOptions(
  body: MessageBody,
  options: Readonly<Record<string, string | number>>,
  indexOf: IndexOf,
): void {
  for (const [given, text] of Object.entries(options)) {
    const { name, value } = readBondOption(given, String(text));
    const option = bondOptions.get(name);
    if (option === undefined) continue;
    const { attribute } = option;
    switch (option.value) {
      case 'number':
        if (option.bits === 8) body.u8(attribute, Number(value));
        else if (option.bits === 16) body.u16(attribute, Number(value));
        else body.u32(attribute, Number(value));
        break;
      case 'link':
        body.u32(attribute, indexOf(String(value)));
        break;
      case 'mac':
        body.mac(attribute, String(value));
        break;
      case 'addresses':
        body.nested(attribute, () => {
          for (const [i, address] of String(value).split(',').entries())
            body.address(i, parseAddress(address));
        });
    }
  }
}
