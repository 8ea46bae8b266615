// The kinds of pods in the forwarding matrix: the networks of their NICs, and the NIC with the default route.

/** A network that a pod's NIC can be on. */
export type PodNetwork = 'overlay' | 'lan' | 'lan2';

export interface PodKind {
  readonly name: string;
  /** The networks of eth0, net1, net2 …, in this order. */
  readonly nics: readonly [PodNetwork, ...PodNetwork[]];
  /** The NIC that has the default route. */
  readonly defaultNic: string;
}

/** C, M and X are the letters of Spiderpool's tables: only overlay, only underlay, both. */
export const podKinds = [
  { name: 'c', nics: ['overlay'], defaultNic: 'eth0' },
  { name: 'm', nics: ['lan'], defaultNic: 'eth0' },
  { name: 'm-beside', nics: ['lan'], defaultNic: 'eth0' },
  { name: 'm-lan2', nics: ['lan2'], defaultNic: 'eth0' },
  { name: 'mm', nics: ['lan', 'lan2'], defaultNic: 'eth0' },
  { name: 'mm-net1', nics: ['lan', 'lan2'], defaultNic: 'net1' },
  { name: 'x', nics: ['overlay', 'lan'], defaultNic: 'eth0' },
  { name: 'x-net1', nics: ['overlay', 'lan'], defaultNic: 'net1' },
  { name: 'xx', nics: ['overlay', 'lan', 'lan2'], defaultNic: 'eth0' },
  { name: 'xx-net1', nics: ['overlay', 'lan', 'lan2'], defaultNic: 'net1' },
] as const satisfies readonly PodKind[];

export type PodKindName = (typeof podKinds)[number]['name'];

/** A letter of Spiderpool's tables. */
export type Letter = 'C' | 'M' | 'X';

/** A NIC of a kind, with its name. */
export interface KindNic {
  readonly name: string;
  readonly network: PodNetwork;
}

/** eth0, net1, net2 …: the runtime names the first, Multus the others. */
export function nicsOf({ nics }: PodKind): KindNic[] {
  return nics.map((network, i) => ({ name: i === 0 ? 'eth0' : `net${i}`, network }));
}

export function underlayNics(kind: PodKind): KindNic[] {
  return nicsOf(kind).filter(({ network }) => network !== 'overlay');
}

export function letterOf(kind: PodKind): Letter {
  if (kind.nics[0] !== 'overlay') return 'M';
  return kind.nics.length === 1 ? 'C' : 'X';
}
