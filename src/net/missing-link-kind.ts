// A kernel that cannot make a kind of link, because a module of it is missing.

import { OrbError } from '#base';
import type { LinkKind, LinkSpec } from './objects.ts';
import type { Refusal } from './refusal.ts';

/** The module of each kind of link (`MODULE_ALIAS_RTNL_LINK` in the kernel's sources). */
const modules: Readonly<Record<LinkKind['kind'], string>> = {
  bond: 'bonding',
  bridge: 'bridge',
  dummy: 'dummy',
  ipvlan: 'ipvlan',
  macvlan: 'macvlan',
  veth: 'veth',
  vlan: '8021q',
  vxlan: 'vxlan',
};

/** What the kernel adds to EOPNOTSUPP (rtnl_newlink in net/core/rtnetlink.c). Older kernels add nothing. */
const UNKNOWN_KIND = 'Unknown device type';

/** KERNEL_LACKS if the refusal to make the link says that the kernel has no links of this kind. */
export function missingLinkKind(
  { name, type: { kind } }: LinkSpec,
  { errno, words, extAck = UNKNOWN_KIND }: Pick<Refusal, 'errno' | 'words' | 'extAck'>,
): OrbError | undefined {
  if (errno !== 'EOPNOTSUPP' || extAck !== UNKNOWN_KIND) return undefined;
  const module = modules[kind];
  return new OrbError('KERNEL_LACKS', {
    message: `the kernel of this node has no links of type ${kind}: load its module ${module} with \`modprobe ${module}\`, so that ${name} can be made`,
    subject: `interface ${name}`,
    said: `${errno}: ${words}`,
  });
}
