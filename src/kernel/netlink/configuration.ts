// Events of sysctls of interfaces: `struct netconfmsg` and NETCONFA_* attributes (netconf.h).

import { ByteReader } from '#base';
import type { NameOf } from './address.ts';
import { Attributes } from './attributes.ts';
import type { Message } from './message.ts';

export const RTM_NEWNETCONF = 80;
const NETCONFA_IFINDEX = 1;
const NETCONFA_IFINDEX_ALL = 0xffff_ffff;
const NETCONFA_IFINDEX_DEFAULT = 0xffff_fffe;

/** The owner of the sysctl, as in /proc/sys/net: an interface, `all` or `default`. */
export function decodeConfiguration({ body }: Message, nameOf: NameOf): string {
  const reader = new ByteReader(body, 'little');
  reader.skip(4);
  const index = new Attributes(reader.take(reader.remaining)).u32(NETCONFA_IFINDEX);
  if (index === NETCONFA_IFINDEX_ALL) return 'all';
  return index === undefined || index === NETCONFA_IFINDEX_DEFAULT ? 'default' : nameOf(index);
}
