// A cluster that exists only as a plan: two nodes, a router between two LANs and the outside, and pods of every kind.
//
// Its numbers are those of the lab, so that pages about both read alike.

import { parseCidr } from '#ip';
import { sameRule } from '../network/index.ts';
import { connected, interfaceAddress, routeBy, viewOf } from './planned.ts';
import {
  anyOf,
  type Built,
  buildPod,
  caliOf,
  clusterCidrs,
  families,
  gatewayOf,
  hasOverlay,
  type Lan,
  lanAddress,
  lans,
  OVERLAY_MAC,
  overlayAddresses,
  overlayGateway,
  pods,
  type SampleSettings,
  sampleNodeAddresses,
  underlayNics,
} from './sample-pods.ts';
import { sampleServices } from './sample-services.ts';
import type { Firewall, Place, Port, Segment, World } from './world.ts';

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
      ...overlays.map(({ pod }) => ({ name: caliOf(pod), mac: OVERLAY_MAC, kind: 'veth' })),
      ...veths.map(({ hostLink, hostMac }) => ({ name: hostLink, mac: hostMac, kind: 'veth' })),
    ],
    addresses: [
      ...sampleNodeAddresses(number).map((address) => interfaceAddress('ens160', address)),
      ...overlays.map(({ pod }) => interfaceAddress(caliOf(pod), parseCidr(`${overlayGateway[6]}/64`))),
      ...shares.flatMap((share) => share.addresses),
    ],
    routes: [
      ...sampleNodeAddresses(number).map((address) => connected('ens160', address)),
      ...families.map((family) => routeBy(anyOf(family), 'ens160', gatewayOf('a', family))),
      ...overlays.flatMap(({ pod }) => overlayAddresses(pod).map((address) => routeBy(address, caliOf(pod)))),
      ...sampleNodeAddresses(other).map(({ address }) =>
        routeBy(
          parseCidr(address.family === 4 ? `10.244.${other}.0/24` : `fd00:10:244:${other}::/64`),
          'ens160',
          address,
        ),
      ),
      ...shares.flatMap((share) => share.routes),
    ],
    rules: rules.filter((rule, i) => rules.findIndex((one) => sameRule(one, rule)) === i),
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

/** The router and the client outside. */
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

export function sampleCluster(settings: SampleSettings): World {
  const built = pods.map((pod) => buildPod(pod, settings));
  const firewall: Firewall = {
    dropsInvalid: settings.dropsInvalid,
    services: { fronts: sampleServices(), clusterCidrs },
    masquerades: settings.natOutgoing ? clusterCidrs.map((cidr) => ({ from: cidr, except: cidr })) : [],
  };
  const nodes = ([1, 2] as const).map((number) => buildNode(number, built, firewall));
  return { places: [...built.map(({ place }) => place), ...nodes, ...machines()], segments: segments(built) };
}
