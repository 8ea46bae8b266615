// What each kind of link needs to be made: the contents of IFLA_INFO_DATA (if_link.h).

import { OrbError } from '#base';
import type { LinkKind } from '#net';
import type { MessageBody } from './attributes.ts';
import { IFLA_IFNAME, IFLA_NET_NS_FD, type IndexOf, linkHeader, writeProperties } from './link-header.ts';

const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;

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
      writeBond(body, type);
      return;
  }
}

type Kind<K extends LinkKind['kind']> = Extract<LinkKind, { kind: K }>;

/** VETH_INFO_PEER holds a whole link message: header, then attributes; IFLA_NET_NS_FD in it makes the peer over there. */
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

/** Options of a bond by their name in sysfs: attribute, width in bytes, and the words of those that have words. */
const bondOptions: Readonly<Record<string, { attribute: number; width: 1 | 4; words?: readonly string[] }>> =
  {
    miimon: { attribute: 3, width: 4 },
    updelay: { attribute: 4, width: 4 },
    downdelay: { attribute: 5, width: 4 },
    use_carrier: { attribute: 6, width: 1 },
    arp_interval: { attribute: 7, width: 4 },
    primary_reselect: { attribute: 12, width: 1, words: ['always', 'better', 'failure'] },
    fail_over_mac: { attribute: 13, width: 1, words: ['none', 'active', 'follow'] },
    xmit_hash_policy: {
      attribute: 14,
      width: 1,
      words: ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac'],
    },
    resend_igmp: { attribute: 15, width: 4 },
    num_grat_arp: { attribute: 16, width: 1 },
    all_slaves_active: { attribute: 17, width: 1 },
    min_links: { attribute: 18, width: 4 },
    lp_interval: { attribute: 19, width: 4 },
    packets_per_slave: { attribute: 20, width: 4 },
    lacp_rate: { attribute: 21, width: 1, words: ['slow', 'fast'] },
    ad_select: { attribute: 22, width: 1, words: ['stable', 'bandwidth', 'count'] },
  };

function writeBond(body: MessageBody, { mode, options = {} }: Kind<'bond'>): void {
  const IFLA_BOND_MODE = 1;
  body.u8(IFLA_BOND_MODE, mode);
  for (const [name, value] of Object.entries(options)) {
    const option = bondOptions[name];
    if (option === undefined) throw invalidBond(name, value, Object.keys(bondOptions));
    const number = option.words?.includes(String(value))
      ? option.words.indexOf(String(value))
      : Number(value);
    if (!Number.isInteger(number) || number < 0)
      throw invalidBond(name, value, option.words ?? ['whole numbers']);
    if (option.width === 1) body.u8(option.attribute, number);
    else body.u32(option.attribute, number);
  }
}

function invalidBond(name: string, value: string | number, allowed: readonly string[]): OrbError {
  return new OrbError('INPUT_INVALID', {
    message: `invalid bond option ${name}=${value}; allowed: ${allowed.join(', ')}`,
  });
}
