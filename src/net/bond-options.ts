// The options of a bond: the kernel's names (bonding.rst), their attributes (if_link.h, IFLA_BOND_*), and the values of
// each.

import { OrbError } from '#base';
import { tryParseAddress } from '#ip';

/** The kind of an option's value. A word means its index in the list. The number is accepted too. */
export type BondOption =
  | {
      readonly value: 'number';
      readonly attribute: number;
      readonly bits: 8 | 16 | 32;
      readonly words?: readonly string[];
    }
  /** The name of a link. `portOnly`: the link must already be a port of the bond. */
  | { readonly value: 'link'; readonly attribute: number; readonly portOnly?: true }
  | { readonly value: 'mac'; readonly attribute: number }
  /** IPv4 addresses, separated by commas. */
  | { readonly value: 'addresses'; readonly attribute: number };

function number(attribute: number, bits: 8 | 16 | 32, words?: readonly string[]): BondOption {
  return { value: 'number', attribute, bits, ...(words !== undefined && { words }) };
}

/** By name. */
export const bondOptions: ReadonlyMap<string, BondOption> = new Map(
  Object.entries({
    active_slave: { value: 'link', attribute: 2, portOnly: true },
    miimon: number(3, 32),
    updelay: number(4, 32),
    downdelay: number(5, 32),
    use_carrier: number(6, 8),
    arp_interval: number(7, 32),
    arp_ip_target: { value: 'addresses', attribute: 8 },
    arp_validate: number(9, 32, [
      'none',
      'active',
      'backup',
      'all',
      'filter',
      'filter_active',
      'filter_backup',
    ]),
    arp_all_targets: number(10, 32, ['any', 'all']),
    primary: { value: 'link', attribute: 11 },
    primary_reselect: number(12, 8, ['always', 'better', 'failure']),
    fail_over_mac: number(13, 8, ['none', 'active', 'follow']),
    xmit_hash_policy: number(14, 8, [
      'layer2',
      'layer3+4',
      'layer2+3',
      'encap2+3',
      'encap3+4',
      'vlan+srcmac',
    ]),
    resend_igmp: number(15, 32),
    num_peer_notif: number(16, 8),
    all_slaves_active: number(17, 8),
    min_links: number(18, 32),
    lp_interval: number(19, 32),
    packets_per_slave: number(20, 32),
    lacp_rate: number(21, 8, ['slow', 'fast']),
    ad_select: number(22, 8, ['stable', 'bandwidth', 'count']),
    ad_actor_sys_prio: number(24, 16),
    ad_user_port_key: number(25, 16),
    ad_actor_system: { value: 'mac', attribute: 26 },
    tlb_dynamic_lb: number(27, 8),
    peer_notif_delay: number(28, 32),
  } satisfies Record<string, BondOption>),
);

/** Other names of the same option: the kernel's (bonding.rst), and Spiderpool's `up_delay`. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['num_grat_arp', 'num_peer_notif'],
  ['num_unsol_na', 'num_peer_notif'],
  ['up_delay', 'updelay'],
]);

/**
 * An option under its kernel name, with its value in the form of {@link bondOptions}.
 * @throws OrbError INPUT_INVALID with the values that are allowed
 */
export function readBondOption(
  given: string,
  text: string,
): { readonly name: string; readonly value: string | number } {
  const name = aliases.get(given) ?? given;
  const option = bondOptions.get(name);
  if (option === undefined) throw invalidOption(given, text, [...bondOptions.keys()].join(', '));
  switch (option.value) {
    case 'number': {
      const value = option.words?.includes(text) ? option.words.indexOf(text) : Number(text);
      if (/^\d+$/.test(String(value)) && value < 2 ** option.bits) return { name, value };
      const words = option.words === undefined ? '' : `${option.words.join(', ')}, or `;
      throw invalidOption(given, text, `${words}a whole number below 2^${option.bits}`);
    }
    case 'link':
      if (/^[^/:\s]{1,15}$/.test(text)) return { name, value: text };
      throw invalidOption(given, text, 'the name of a port');
    case 'mac':
      if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) return { name, value: text.toLowerCase() };
      throw invalidOption(given, text, 'a MAC address');
    case 'addresses': {
      // Spiderpool writes a JSON list.
      const addresses = text.replaceAll(/[[\]"\s]/g, '').split(',');
      if (addresses.every((each) => tryParseAddress(each)?.family === 4))
        return { name, value: addresses.join(',') };
      throw invalidOption(given, text, 'IPv4 addresses');
    }
  }
}

function invalidOption(name: string, value: string, allowed: string): OrbError {
  return new OrbError('INPUT_INVALID', {
    message: `invalid bond option ${name}=${value}; allowed: ${allowed}`,
  });
}
