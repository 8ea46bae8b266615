// A cluster that exists only as a plan: two nodes, a router between two LANs and the outside, and pods of every kind.
//
// Numbers are those of the lab, so that pages made of it and of the lab read alike.

import { type Cidr, type Family, hostCidr, parseAddress, parseCidr } from '#ip';
import type { DesiredNetwork } from '../network/desired.ts';
import type { NicInput, OverlayNic, PodInput } from '../network/nic.ts';
import { mergeSettings } from '../network/settings.ts';
import { ruleText } from '../network/text.ts';
import { connected, interfaceAddress, plannedPod, routeBy, viewOf } from './planned.ts';
import type { ServiceEndpoint, ServiceFront } from './service-front.ts';
import type { Firewall, Place, Port, Segment, World } from './world.ts';

/** What is different from one sample cluster to another. */
export interface SampleSettings {
  /** The overlay replaces the source of what leaves it. */
  readonly natOutgoing: boolean;
  /** Of pods with an overlay's eth0 and net1; of pods with two underlay NICs. */
  readonly defaultRouteNic: 'eth0' | 'net1';
  /** kube-proxy drops what conntrack calls INVALID. */
  readonly dropsInvalid: boolean;
}

/** Pods by what they are: C overlay, M underlay, D underlay of the other LAN, X overlay and underlay, T two underlay NICs. */
export type SamplePodKind = 'C' | 'M' | 'D' | 'X' | 'T';

interface SamplePod {
  /** `M1`, `C2`: the kind, and the node's number; M has two on its first node, `M1` and `M3`. */
  readonly name: string;
  readonly kind: SamplePodKind;
  readonly node: 1 | 2;
  readonly number: number;
}

const families: readonly Family[] = [4, 6];
const lans = {
  a: { parent: 'ens160', cidr: { 4: '10.6', 6: 'fd00:10:6' } },
  b: { parent: 'ens192', cidr: { 4: '10.7', 6: 'fd00:10:7' } },
} as const;
type Lan = keyof typeof lans;
const clusterCidrs = ['10.244.0.0/16', 'fd00:10:244::/56'].map(parseCidr);
const serviceCidrs = ['10.96.0.0/16', 'fd00:10:96::/112'];
const overlayGateway = { 4: '169.254.1.1', 6: 'fe80::ecee:eeff:feee:eeee' } as const;
const overlayMac = 'ee:ee:ee:ee:ee:ee';
const NODE_PORT = 30_080;
const LOCAL_NODE_PORT = 30_082;

const pods: readonly SamplePod[] = [
  ...(['C', 'M', 'D', 'X', 'T'] as const).flatMap((kind, i) =>
    ([1, 2] as const).map((node) => ({ name: `${kind}${node}`, kind, node, number: 10 * (i + 1) + node })),
  ),
  { name: 'M3', kind: 'M', node: 1, number: 23 },
];

const lanAddress = (lan: Lan, host4: string, host6: string): Cidr[] => [
  parseCidr(`${lans[lan].cidr[4]}.${host4}/16`),
  parseCidr(`${lans[lan].cidr[6]}::${host6}/64`),
];
const gatewayOf = (lan: Lan, family: Family) =>
  parseAddress(family === 4 ? `${lans[lan].cidr[4]}.0.1` : `${lans[lan].cidr[6]}::1`);
const nodeAddresses = (node: number) => lanAddress('a', `212.${100 + node}`, `${100 + node}`);
const overlayAddresses = ({ node, number }: SamplePod) => [
  parseCidr(`10.244.${node}.${number}/32`),
  parseCidr(`fd00:10:244:${node}::${number}/128`),
];
const anyOf = (family: Family) => parseCidr(family === 4 ? '0.0.0.0/0' : '::/0');

/** The NICs of a pod that are on a LAN. */
function underlayNics({ kind }: SamplePod): readonly { readonly name: string; readonly lan: Lan }[] {
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
    peer: { name: caliOf(pod), mac: overlayMac, kind: 'veth' },
  };
}

const hasOverlay = ({ kind }: SamplePod) => kind === 'C' || kind === 'X';
const caliOf = ({ name }: SamplePod) => `cali${name}`;
const macOf = ({ number }: SamplePod, link: string) =>
  `02:00:00:00:${number}:${link === 'eth0' ? '00' : '01'}`;

interface Built {
  readonly pod: SamplePod;
  readonly place: Place;
  readonly network?: DesiredNetwork;
}

function buildPod(pod: SamplePod, settings: SampleSettings): Built {
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
    nodeAddresses: nodeAddresses(pod.node).map(({ address }) => address),
    ...(hasOverlay(pod) && { overlay }),
  };
  const macs = Object.fromEntries(['eth0', 'net1'].map((link) => [link, macOf(pod, link)]));
  return { pod, ...plannedPod(pod.name, node, input, macs) };
}

function buildNode(number: 1 | 2, built: readonly Built[], firewall: Firewall): Place {
  const here = built.filter(({ pod }) => pod.node === number);
  const overlays = here.filter(({ pod }) => hasOverlay(pod));
  const shares = here.flatMap(({ network }) => (network === undefined ? [] : [network.node]));
  const veths = here.flatMap(({ network }) => (network?.veth === undefined ? [] : [network.veth]));
  const other = 3 - number;
  const rules = shares.flatMap((share) => share.rules);
  const view = viewOf({
    links: [
      { name: 'ens160', mac: `02:00:00:00:00:0${number}` },
      { name: 'ens192', mac: `02:00:00:00:01:0${number}` },
      ...overlays.map(({ pod }) => ({ name: caliOf(pod), mac: overlayMac, kind: 'veth' })),
      ...veths.map(({ hostLink, hostMac }) => ({ name: hostLink, mac: hostMac, kind: 'veth' })),
    ],
    addresses: [
      ...nodeAddresses(number).map((address) => interfaceAddress('ens160', address)),
      ...overlays.map(({ pod }) => interfaceAddress(caliOf(pod), parseCidr(`${overlayGateway[6]}/64`))),
      ...shares.flatMap((share) => share.addresses),
    ],
    routes: [
      ...nodeAddresses(number).map((address) => connected('ens160', address)),
      ...families.map((family) => routeBy(anyOf(family), 'ens160', gatewayOf('a', family))),
      ...overlays.flatMap(({ pod }) => overlayAddresses(pod).map((address) => routeBy(address, caliOf(pod)))),
      ...nodeAddresses(other).map(({ address }) =>
        routeBy(
          parseCidr(address.family === 4 ? `10.244.${other}.0/24` : `fd00:10:244:${other}::/64`),
          'ens160',
          address,
        ),
      ),
      ...shares.flatMap((share) => share.routes),
    ],
    rules: rules.filter(
      (rule, i) =>
        rules.findIndex((one) => one.family === rule.family && ruleText(one) === ruleText(rule)) === i,
    ),
    neighbours: shares.flatMap((share) => share.neighbours),
    sysctls: new Map([
      ...forwarding,
      ...overlays.map(({ pod }) => [`ipv4/conf/${caliOf(pod)}/proxy_arp`, '1'] as const),
    ]),
  });
  const isHalfOpen = shares.some(({ table }) => table !== undefined && table.rules.length > 0);
  const own = isHalfOpen ? { halfOpenTo: clusterCidrs } : {};
  return { name: `node${number}`, kind: 'node', view, firewall: { ...firewall, ...own } };
}

const forwarding = [
  ['ipv4/conf/all/forwarding', '1'],
  ['ipv6/conf/all/forwarding', '1'],
] as const;

/** Router and outside client. */
function machines(): Place[] {
  const outside = [parseCidr('192.0.2.1/24'), parseCidr('2001:db8::1/64')];
  const client = [parseCidr('192.0.2.10/24'), parseCidr('2001:db8::10/64')];
  const router = [
    ...lanAddress('a', '0.1', '1').map((address) => interfaceAddress('lan0', address)),
    ...lanAddress('b', '0.1', '1').map((address) => interfaceAddress('lan1', address)),
    ...outside.map((address) => interfaceAddress('outside0', address)),
  ];
  return [
    {
      name: 'router',
      kind: 'machine',
      firewall: {},
      view: viewOf({
        links: ['lan0', 'lan1', 'outside0'].map((name, i) => ({ name, mac: `02:00:00:01:00:0${i}` })),
        addresses: router,
        routes: router.map(({ dev, address }) => connected(dev, address)),
        sysctls: new Map(forwarding),
      }),
    },
    {
      name: 'client',
      kind: 'machine',
      firewall: {},
      view: viewOf({
        links: [{ name: 'eth0', mac: '02:00:00:02:00:00' }],
        addresses: client.map((address) => interfaceAddress('eth0', address)),
        routes: [
          ...client.map((address) => connected('eth0', address)),
          ...outside.map(({ address }) => routeBy(anyOf(address.family), 'eth0', address)),
        ],
      }),
    },
  ];
}

function segments(built: readonly Built[]): Segment[] {
  const lan = (name: Lan, router: string): Segment => {
    const { parent } = lans[name];
    const children = built.flatMap(({ pod }): Port[] =>
      underlayNics(pod)
        .filter((nic) => nic.lan === name)
        .map((nic) => ({
          place: pod.name,
          link: nic.name,
          below: { place: `node${pod.node}`, link: parent },
        })),
    );
    return {
      ports: [
        { place: 'router', link: router },
        ...[1, 2].map((node) => ({ place: `node${node}`, link: parent })),
        ...children,
      ],
    };
  };
  const pair = (node: number, link: string, pod: string, podLink: string): Segment => ({
    ports: [
      { place: `node${node}`, link },
      { place: pod, link: podLink },
    ],
  });
  return [
    lan('a', 'lan0'),
    lan('b', 'lan1'),
    {
      ports: [
        { place: 'router', link: 'outside0' },
        { place: 'client', link: 'eth0' },
      ],
    },
    ...built
      .filter(({ pod }) => hasOverlay(pod))
      .map(({ pod }) => pair(pod.node, caliOf(pod), pod.name, 'eth0')),
    ...built.flatMap(({ pod, network }) =>
      network?.veth === undefined
        ? []
        : [pair(pod.node, network.veth.hostLink, pod.name, network.veth.podLink)],
    ),
  ];
}

/** The address that Services and peers know a pod by: of its first NIC. */
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

export function nodeAddress(node: string, family: Family) {
  const found = nodeAddresses(Number(node.slice(4))).find(({ address }) => address.family === family);
  if (found === undefined) throw new RangeError(`the sample cluster has no ${node}`);
  return found.address;
}

/** ClusterIP of the Service of a kind of pods, `C` or `M` or `X`. */
export function clusterIp(kind: SamplePodKind, family: Family, local = false) {
  const host = 'CMDXT'.indexOf(kind) + (local ? 20 : 10);
  return parseAddress(family === 4 ? `10.96.0.${host}` : `fd00:10:96::${host}`);
}

/** One Service with policy Cluster and one with policy Local for each kind of pods; node ports follow the kind. */
function services(): ServiceFront[] {
  return (['C', 'M', 'X'] as const).flatMap((kind) =>
    families.flatMap((family) =>
      [false, true].flatMap((local) =>
        (['tcp', 'udp'] as const).map((protocol) => ({
          ...{
            namespace: 'default',
            name: `${kind.toLowerCase()}${local ? '-local' : ''}`,
            protocol,
            port: 80,
          },
          clusterIp: clusterIp(kind, family, local),
          nodePort: nodePortOf(kind, local),
          externalLocal: local,
          internalLocal: false,
          endpoints: pods
            .filter((pod) => pod.kind === kind)
            .map(
              (pod): ServiceEndpoint => ({
                address: podAddress(pod.name, family),
                port: 8080,
                node: `node${pod.node}`,
              }),
            ),
        })),
      ),
    ),
  );
}

export function nodePortOf(kind: SamplePodKind, local: boolean): number {
  return 100 * 'CMDXT'.indexOf(kind) + (local ? LOCAL_NODE_PORT : NODE_PORT);
}

export function sampleCluster(settings: SampleSettings): World {
  const built = pods.map((pod) => buildPod(pod, settings));
  const firewall: Firewall = {
    dropsInvalid: settings.dropsInvalid,
    services: { fronts: services(), clusterCidrs },
    masquerades: settings.natOutgoing ? clusterCidrs.map((cidr) => ({ from: cidr, except: cidr })) : [],
  };
  const nodes = ([1, 2] as const).map((number) => buildNode(number, built, firewall));
  return { places: [...built.map(({ place }) => place), ...nodes, ...machines()], segments: segments(built) };
}
