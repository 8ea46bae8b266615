import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { type Link, MAIN_TABLE, ROUTE_PROTOCOL, type Route, RTPROT } from '#net';
import { mismatches, networkDifference } from '../difference/index.ts';
import {
  addressText,
  linkRoute,
  neighbour,
  neighbourText,
  nothingObserved,
  type ObservedNamespace,
  routeText,
} from '../state/index.ts';
import { planVethRoute, vethRoutePair } from './veth-route.ts';

const key = { containerId: '0123456789abcdef', interfaceName: 'eth0' };
const input = {
  ...key,
  addresses: [
    { address: parseCidr('10.10.10.19/24'), uplink: 'ens3' },
    { address: parseCidr('fd00:a::19/64'), uplink: 'ens3' },
  ],
  mtuBytes: 1450,
  podMac: undefined,
  nodeAddresses: [parseAddress('10.10.10.8'), parseAddress('fd00:a::8'), parseAddress('10.20.0.8')],
};
const { pod, node } = planVethRoute(input);
const { hostLink, hostMac, podMac } = vethRoutePair(key);

test('the pod has its two routes in each family, and addresses without connected routes', () => {
  assert.deepEqual(pod.routes.map(routeText), [
    '169.254.1.1 dev eth0 scope link',
    'default via 169.254.1.1 dev eth0',
    'default via fe80::1 dev eth0 metric 1024',
  ]);
  assert.deepEqual(pod.addresses.map(addressText), [
    'inet 10.10.10.19/24 dev eth0 scope global',
    'inet6 fd00:a::19/64 dev eth0 scope global',
  ]);
  assert.ok(pod.addresses.every(({ noPrefixRoute, noDad }) => noPrefixRoute === true && noDad === true));
  assert.deepEqual(pod.neighbours.map(neighbourText), [
    `169.254.1.1 dev eth0 lladdr ${hostMac} PERMANENT`,
    `fe80::1 dev eth0 lladdr ${hostMac} PERMANENT`,
  ]);
});

test('the node has a host route of scope global and a proxy for each address, and the gateway on its end', () => {
  assert.deepEqual(node.routes.map(routeText), [
    `10.10.10.19 dev ${hostLink} proto 79`,
    `fd00:a::19 dev ${hostLink} proto 79 metric 1024`,
  ]);
  assert.ok(node.routes.every(({ scope, table }) => scope === 'global' && table === MAIN_TABLE));
  assert.deepEqual(
    node.proxies?.map(({ dev, protocol }) => [dev, protocol]),
    [
      ['ens3', ROUTE_PROTOCOL],
      ['ens3', ROUTE_PROTOCOL],
    ],
  );
  assert.deepEqual(node.addresses.map(addressText), [
    `inet 10.10.10.8/32 dev ${hostLink} scope global`,
    `inet 169.254.1.1/32 dev ${hostLink} scope link`,
    `inet6 fd00:a::8/128 dev ${hostLink} scope global`,
    `inet6 fe80::1/128 dev ${hostLink} scope link`,
  ]);
  assert.deepEqual(
    node.sysctls.map(({ key: name, value }) => `${name}=${value}`),
    [
      'ipv4/conf/all/forwarding=1',
      'ipv6/conf/all/forwarding=1',
      `ipv4/conf/${hostLink}/forwarding=1`,
      `ipv6/conf/${hostLink}/disable_ipv6=0`,
      `ipv6/conf/${hostLink}/accept_ra=0`,
      'ipv4/conf/ens3/forwarding=1',
      'ipv4/neigh/ens3/proxy_delay=0',
      'ipv6/conf/ens3/proxy_ndp=1',
      'ipv6/neigh/ens3/proxy_delay=0',
    ],
  );
});

test('links that hear routers go on hearing them when an ADD switches forwarding on', () => {
  const { sysctls } = planVethRoute({ ...input, advertisedLinks: ['ens3'] }).node;
  const keys = sysctls.map(({ key: name }) => name);
  const [accept, forwarding] = ['ipv6/conf/ens3/accept_ra', 'ipv6/conf/all/forwarding'].map((name) =>
    keys.indexOf(name),
  );
  assert.ok(accept !== undefined && accept >= 0 && accept < (forwarding ?? -1));
});

test('a pod of IPv4 alone gets nothing of IPv6, and one behind routers gets no proxy', () => {
  const plan = planVethRoute({
    ...input,
    addresses: [{ address: parseCidr('10.99.0.5/24'), uplink: undefined }],
  });
  assert.deepEqual(plan.node.proxies, []);
  const all = [...plan.pod.routes, ...plan.node.routes].map(({ destination }) => destination.address.family);
  assert.deepEqual([...new Set(all)], [4]);
  assert.ok(![...plan.pod.sysctls, ...plan.node.sysctls].some(({ key: name }) => name.startsWith('ipv6')));
});

test('the pair of each NIC has a name and MAC addresses of its own, and an asked MAC address is kept', () => {
  const other = vethRoutePair({ ...key, interfaceName: 'net1' });
  for (const field of ['hostLink', 'hostMac', 'podMac'] as const)
    assert.notEqual(other[field], vethRoutePair(key)[field]);
  assert.match(hostLink, /^vethr[0-9a-f]{8}$/);
  assert.equal(vethRoutePair(key, '02:00:00:00:00:07').podMac, '02:00:00:00:00:07');
});

const hostEnd: Link = {
  ...{ index: 9, name: hostLink, kind: 'veth', mac: hostMac, mtuBytes: 1450, up: true, carrier: true },
  ...{ loopback: false, linkIndex: 2 },
};
const podEnd: Link = { ...hostEnd, index: 2, name: 'eth0', mac: podMac, linkIndex: 9 };
const uplink: Link = { ...hostEnd, index: 1, name: 'ens3', kind: 'virtio' };

/** Both namespaces in the state of the plan. */
function asPlanned(): { readonly pod: ObservedNamespace; readonly node: ObservedNamespace } {
  const both = { ...nothingObserved, sysctls: new Map<string, string>() };
  const seen = (plan: typeof pod, links: readonly Link[]) => ({
    ...both,
    links,
    addresses: plan.addresses,
    routes: plan.routes,
    neighbours: plan.neighbours,
    proxies: plan.proxies ?? [],
    sysctls: new Map(plan.sysctls.map(({ key: name, value }) => [name, value])),
  });
  return { pod: seen(pod, [podEnd]), node: seen(node, [hostEnd, uplink]) };
}

const found = (observed: ReturnType<typeof asPlanned>) => {
  const findings = networkDifference(planVethRoute(input), observed);
  return [...findings.node, ...findings.pod];
};

test('what the pod or the coordinator of another NIC adds on the same links is not stale', () => {
  const planned = asPlanned();
  const coordinators: Route = linkRoute(parseAddress('10.10.10.8'), 'eth0', 100);
  const observed = {
    pod: {
      ...planned.pod,
      routes: [...planned.pod.routes, coordinators],
      addresses: [
        ...planned.pod.addresses,
        { dev: 'eth0', address: parseCidr('10.99.0.1/32'), scope: 'global' as const },
      ],
      neighbours: [...planned.pod.neighbours, neighbour(parseAddress('10.10.10.8'), 'eth0', hostMac)],
    },
    node: {
      ...planned.node,
      routes: [...planned.node.routes, linkRoute(parseAddress('10.7.0.5'), hostLink, 500)],
      neighbours: [neighbour(parseAddress('10.7.0.5'), hostLink, podMac)],
    },
  };
  assert.deepEqual(found(observed), []);
});

test('an address that the node has lost leaves its end', () => {
  const planned = asPlanned();
  const old = { dev: hostLink, address: parseCidr('10.10.10.7/32'), scope: 'global' as const };
  const [finding] = found({
    ...planned,
    node: { ...planned.node, addresses: [...planned.node.addresses, old] },
  });
  assert.match(finding?.problem ?? '', /inet 10\.10\.10\.7\/32 dev vethr\S+ scope global is stale/);
});

test('another default route of the pod, or another host route in table main, is a finding and stays', () => {
  const planned = asPlanned();
  const others = (routes: readonly Route[]) =>
    routes.map((route) =>
      route.gateway?.family === 6 ? route : { ...route, dev: 'eth9', protocol: RTPROT.static },
    );
  const observed = {
    pod: { ...planned.pod, routes: others(planned.pod.routes) },
    node: { ...planned.node, routes: others(planned.node.routes) },
  };
  const findings = found(observed);
  assert.equal(findings.length, 4);
  for (const { foreign, fix } of findings) assert.deepEqual([foreign, fix], [true, undefined]);
});

test('a missing proxy is made again, one of another program serves, and a missing NIC is told', () => {
  const planned = asPlanned();
  const [four = assert.fail(), six = assert.fail()] = planned.node.proxies ?? [];
  const { protocol: _, ...operators } = four;
  const one = { ...planned, node: { ...planned.node, proxies: [operators] } };
  assert.deepEqual(
    found(one).map(({ problem, fix }) => [problem, fix]),
    [
      [
        'neighbour proxy fd00:a::19 dev ens3 is missing',
        {
          kind: 'change',
          change: {
            verb: 'create',
            kind: 'proxy',
            proxy: { dev: 'ens3', address: six.address, protocol: 79 },
          },
        },
      ],
    ],
  );
  const gone = { ...planned, node: { ...planned.node, proxies: [], links: [hostEnd] } };
  assert.deepEqual(mismatches(found(gone)), [
    'neighbour proxy 10.10.10.19 dev ens3 is missing: the node has no such interface',
    'neighbour proxy fd00:a::19 dev ens3 is missing: the node has no such interface',
  ]);
});
