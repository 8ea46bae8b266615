// The shapes of random pods: what follows from a seed, before any object is made.

import { Random } from '#base';
import type { Family } from '#ip';
import { type Lan, lans } from './networks.ts';

/** A NIC that the coordinator configures. */
export interface NicShape {
  readonly lan: Lan;
  readonly families: readonly [Family, ...Family[]];
  /** Whether its pools have a gateway. Then the NIC has a default route. */
  readonly gateway: boolean;
  /** Whether its definition has policy routes to the branch office, through the router of its LAN. */
  readonly policyRoutes: boolean;
}

export interface PodShape {
  readonly name: string;
  readonly node: string;
  /** The families of eth0 in the overlay; absent for pods with only the underlay. */
  readonly overlay?: readonly [Family, ...Family[]];
  /** eth0, net1 …; if eth0 is in the overlay, net1, net2 …. */
  readonly nics: readonly [NicShape, ...NicShape[]];
  /** The annotation that names the NIC with the default route. */
  readonly defaultNic?: string;
  /** `mode` of the coordinator: `auto`, or the explicit name of the same mode. */
  readonly mode: 'auto' | 'underlay' | 'overlay';
  /** `podRPFilter` of the coordinator; -1 leaves it unchanged. */
  readonly rpFilter: -1 | 0 | 1 | 2;
  readonly tunePodRoutes: boolean;
}

export const POD_COUNT = 20;
const MOST_NICS = 3;
const families = [[4, 6], [4], [6]] as const;

/** The pods of a seed, on these nodes. */
export function podShapes(seed: number, nodes: readonly [string, ...string[]]): PodShape[] {
  const random = new Random(seed);
  return Array.from({ length: POD_COUNT }, (_, i) => podShape(`r${i + 1}`, random.fork(), nodes));
}

function podShape(name: string, random: Random, nodes: readonly [string, ...string[]]): PodShape {
  const overlay = random.chance(0.35) ? random.pick([[4, 6], [4, 6], [4], [6]] as const) : undefined;
  const most = overlay === undefined ? MOST_NICS : MOST_NICS - 1;
  const [first, ...others] = random.shuffled(lans).slice(0, 1 + random.below(most));
  const nics = [nicShape(first ?? 'lan', random), ...others.map((lan) => nicShape(lan, random))] as const;
  const isFirst = overlay === undefined ? 0 : 1;
  const names = ['eth0', ...Array.from({ length: nics.length - 1 + isFirst }, (_, i) => `net${i + 1}`)];
  return {
    name,
    node: random.pick(nodes),
    ...(overlay !== undefined && { overlay }),
    nics,
    ...(random.chance(0.4) && { defaultNic: random.pick(names as [string, ...string[]]) }),
    mode: random.pick(['auto', overlay === undefined ? 'underlay' : 'overlay']),
    rpFilter: random.pick([0, 0, 0, 1, 2, 2, -1]),
    tunePodRoutes: random.chance(0.9),
  };
}

function nicShape(lan: Lan, random: Random): NicShape {
  return {
    lan,
    families: random.pick([...families, [4, 6]] as const),
    gateway: random.chance(0.8),
    policyRoutes: random.chance(0.35),
  };
}

/** A NIC with its name. */
export interface NamedNic {
  readonly name: string;
  readonly families: readonly Family[];
  /** Absent for the overlay's NIC: only its families vary. */
  readonly shape?: NicShape;
}

/** All NICs in the order in which they are made. */
export function nicsOf({ overlay, nics }: PodShape): NamedNic[] {
  const first = overlay === undefined ? [] : [{ families: overlay }];
  const all = [...first, ...nics.map((shape) => ({ families: shape.families, shape }))];
  return all.map((nic, i) => ({ name: i === 0 ? 'eth0' : `net${i}`, ...nic }));
}

/** The shape in one line: `r7 (node1): eth0 lan2 IPv4, net1 lan IPv4+IPv6 without gateway; podRPFilter 2`. */
export function shapeText(pod: PodShape): string {
  const nics = nicsOf(pod).map(({ name, families: own, shape }) =>
    [
      name,
      shape?.lan ?? 'overlay',
      own.map((family) => `IPv${family}`).join('+'),
      ...(shape?.gateway === false ? ['without gateway'] : []),
      ...(shape?.policyRoutes === true ? ['with policy routes'] : []),
    ].join(' '),
  );
  const settings = [
    `mode ${pod.mode}`,
    `podRPFilter ${pod.rpFilter}`,
    ...(pod.defaultNic === undefined ? [] : [`default-route-nic ${pod.defaultNic}`]),
    ...(pod.tunePodRoutes ? [] : ['tunePodRoutes false']),
  ];
  return `${pod.name} (${pod.node}): ${nics.join(', ')}; ${settings.join(', ')}`;
}
