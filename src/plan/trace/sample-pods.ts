// The pods of the sample cluster: their NICs on each network, and their plans.

import { type Cidr, type Family, hostCidr, parseAddress, parseCidr } from '#ip';
import {
  type DesiredNetwork,
  mergeSettings,
  type NicInput,
  type OverlayNic,
  type PodInput,
} from '../network/index.ts';
import { connected, interfaceAddress, plannedPod, routeBy, viewOf } from './planned.ts';
import type { Place } from './world.ts';

/** The differences between sample clusters. */
export interface SampleSettings {
  /** The overlay replaces the source of packets that leave it. */
  readonly natOutgoing: boolean;
  /** For pods with an overlay's eth0 and net1, and for pods with two underlay NICs. */
  readonly defaultRouteNic: 'eth0' | 'net1';
  /** kube-proxy drops packets that conntrack marks INVALID. */
  readonly dropsInvalid: boolean;
}

/** Kinds of pods: C overlay, M underlay, D underlay of the other LAN, X overlay and underlay, T two underlay NICs. */
export type SamplePodKind = 'C' | 'M' | 'D' | 'X' | 'T';

interface SamplePod {
  /** The kind and the node's number: `M1`, `C2`. M has two pods on its first node, `M1` and `M3`. */
  readonly name: string;
  readonly kind: SamplePodKind;
  readonly node: 1 | 2;
  readonly number: number;
}

export const families: readonly Family[] = [4, 6];
export const lans = {
  a: { parent: 'ens160', cidr: { 4: '10.6', 6: 'fd00:10:6' } },
  b: { parent: 'ens192', cidr: { 4: '10.7', 6: 'fd00:10:7' } },
} as const;
export type Lan = keyof typeof lans;
export const clusterCidrs = ['10.244.0.0/16', 'fd00:10:244::/56'].map(parseCidr);
const serviceCidrs = ['10.96.0.0/16', 'fd00:10:96::/112'];
export const overlayGateway = { 4: '169.254.1.1', 6: 'fe80::ecee:eeff:feee:eeee' } as const;
export const OVERLAY_MAC = 'ee:ee:ee:ee:ee:ee';

export const pods: readonly SamplePod[] = [
  ...(['C', 'M', 'D', 'X', 'T'] as const).flatMap((kind, i) =>
    ([1, 2] as const).map((node) => ({ name: `${kind}${node}`, kind, node, number: 10 * (i + 1) + node })),
  ),
  { name: 'M3', kind: 'M', node: 1, number: 23 },
];

export const lanAddress = (lan: Lan, host4: string, host6: string): Cidr[] => [
  parseCidr(`${lans[lan].cidr[4]}.${host4}/16`),
  parseCidr(`${lans[lan].cidr[6]}::${host6}/64`),
];
export const gatewayOf = (lan: Lan, family: Family) =>
  parseAddress(family === 4 ? `${lans[lan].cidr[4]}.0.1` : `${lans[lan].cidr[6]}::1`);
export const sampleNodeAddresses = (node: number) => lanAddress('a', `212.${100 + node}`, `${100 + node}`);
export const overlayAddresses = ({ node, number }: SamplePod) => [
  parseCidr(`10.244.${node}.${number}/32`),
  parseCidr(`fd00:10:244:${node}::${number}/128`),
];
export const anyOf = (family: Family) => parseCidr(family === 4 ? '0.0.0.0/0' : '::/0');

/** The NICs of a pod that are on a LAN. */
export function underlayNics({ kind }: SamplePod): readonly { readonly name: string; readonly lan: Lan }[] {
  if (kind === 'C') return [];
  if (kind === 'T')
    return [
      { name: 'eth0', lan: 'a' },
      { name: 'net1', lan: 'b' },
    ];
  return [{ name: kind === 'X' ? 'net1' : 'eth0', lan: kind === 'D' ? 'b' : 'a' }];
}

function nicInputs(pod: SamplePod, { defaultRouteNic }: SampleSettings): NicInput[] {
  const hasFirst = pod.kind === 'X';
  const several = pod.kind === 'X' || pod.kind === 'T';
  const settings = mergeSettings({
    netConf: {
      overlayPodCIDR: ['10.244.0.0/16', 'fd00:10:244::/56'],
      serviceCIDR: serviceCidrs,
      ...(several && { podDefaultRouteNIC: defaultRouteNic }),
    },
    podAnnotations: {},
    coordinator: undefined,
  });
  return underlayNics(pod).map(({ name, lan }, i) => {
    const addresses = lanAddress(lan, `100.${pod.number}`, `100:${pod.number}`);
    const table = hasFirst ? 101 + i : 100 + i;
    return {
      name,
      addresses,
      settings,
      routes: [
        ...addresses.map((address) => connected(name, address)),
        ...families.map((family) => routeBy(anyOf(family), name, gatewayOf(lan, family))),
      ],
      ...(table > 100 && { table }),
    };
  });
}

function overlayNic(pod: SamplePod): OverlayNic {
  return {
    name: 'eth0',
    mac: macOf(pod, 'eth0'),
    addresses: overlayAddresses(pod),
    routes: [
      routeBy(hostCidr(parseAddress(overlayGateway[4])), 'eth0'),
      ...families.map((family) => routeBy(anyOf(family), 'eth0', parseAddress(overlayGateway[family]))),
    ],
    peer: { name: caliOf(pod), mac: OVERLAY_MAC, kind: 'veth' },
  };
}

export const hasOverlay = ({ kind }: SamplePod) => kind === 'C' || kind === 'X';
export const caliOf = ({ name }: SamplePod) => `cali${name}`;
const macOf = ({ number }: SamplePod, link: string) =>
  `02:00:00:00:${number}:${link === 'eth0' ? '00' : '01'}`;

export interface Built {
  readonly pod: SamplePod;
  readonly place: Place;
  readonly network?: DesiredNetwork;
}

export function buildPod(pod: SamplePod, settings: SampleSettings): Built {
  const node = `node${pod.node}`;
  const overlay = overlayNic(pod);
  if (pod.kind === 'C') {
    const view = viewOf({
      links: [{ name: 'eth0', mac: overlay.mac }],
      addresses: overlay.addresses.map((address) => interfaceAddress('eth0', address)),
      routes: overlay.routes,
    });
    return { pod, place: { name: pod.name, kind: 'pod', node, view, firewall: {} } };
  }
  const input: PodInput = {
    containerId: `${pod.name.toLowerCase()}-sample`,
    nics: nicInputs(pod, settings),
    nodeAddresses: sampleNodeAddresses(pod.node).map(({ address }) => address),
    ...(hasOverlay(pod) && { overlay }),
  };
  const macs = Object.fromEntries(['eth0', 'net1'].map((link) => [link, macOf(pod, link)]));
  return { pod, ...plannedPod(pod.name, node, input, macs) };
}

/** The address of the pod's first NIC by default. Services and peers use this address. */
export function podAddress(name: string, family: Family, nic = 'eth0') {
  const pod = pods.find((one) => one.name === name);
  const own = pod === undefined ? [] : addressesOf(pod, nic);
  const found = own.find(({ address }) => address.family === family);
  if (found === undefined) throw new RangeError(`the sample cluster has no ${nic} of ${name}`);
  return found.address;
}

function addressesOf(pod: SamplePod, nic: string): Cidr[] {
  if (nic === 'eth0' && hasOverlay(pod)) return overlayAddresses(pod);
  const lan = underlayNics(pod).find(({ name }) => name === nic)?.lan;
  return lan === undefined ? [] : lanAddress(lan, `100.${pod.number}`, `100:${pod.number}`);
}
