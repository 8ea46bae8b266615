import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderCoordinator } from '#api';
import { type Address, type Cidr, formatCidr, parseAddress, parseCidr } from '#ip';
import { MAIN_TABLE, ROUTE_PROTOCOL, type Route } from '#net';
import { type CoordinatorOptions, mergeSettings } from '../settings/settings.ts';
import type { DesiredNetwork } from '../state/desired.ts';
import { neighbourText, routeText, ruleText } from '../state/text.ts';
import { madeBy } from './golden-fixture.ts';
import { planPod } from './pod.ts';

// Golden table G1 of Spiderpool: what a pod with one underlay NIC and its node hold, in iproute2's words.

const attachment = { containerId: '0123456789abcdef', interfaceName: 'eth0' };
const cluster: SpiderCoordinator = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {
    mode: 'auto',
    hijackCIDR: ['169.254.0.0/16'],
    tunePodRoutes: true,
    hostRuleTable: 500,
    podRPFilter: 0,
    txQueueLen: 0,
  },
  status: {
    phase: 'Synced',
    overlayPodCIDR: ['10.233.64.0/18'],
    serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'],
  },
};
const ipv4 = parseCidr('10.6.212.241/16');
const ipv6 = parseCidr('fd00:10:6::241/64');
const node4 = parseAddress('10.6.212.101');
const node6 = parseAddress('fd00:10:6::101');

function plan(
  addresses: readonly Cidr[],
  options: { netConf?: CoordinatorOptions; nodes?: readonly Address[] } = {},
): DesiredNetwork {
  const settings = mergeSettings({
    netConf: options.netConf ?? {},
    podAnnotations: {},
    coordinator: cluster,
  });
  return planPod({
    containerId: attachment.containerId,
    nics: [{ name: 'eth0', addresses, routes: addresses.map(byGateway), settings }],
    nodeAddresses: options.nodes ?? [node4, node6],
  });
}

/** The default route of the NIC, as its plugin made it. */
function byGateway({ address: { family } }: Cidr): Route {
  return family === 4 ? madeBy('eth0', '0.0.0.0/0', '10.6.0.1') : madeBy('eth0', '::/0', 'fd00:10:6::1');
}

/** Routes of one table, IPv4 before IPv6, without the protocol that all of ours carry. */
function table(routes: readonly Route[], number: number): string[] {
  return routes.filter((route) => route.table === number).map((route) => withoutProtocol(routeText(route)));
}

function withoutProtocol(text: string): string {
  return text.replace(` proto ${ROUTE_PROTOCOL}`, '');
}

test('G1, IPv4: the pod', () => {
  const { pod, notes, veth } = plan([ipv4]);
  assert.deepEqual(pod.rules.map(ruleText), ['1000: from all fwmark 0x1 lookup 100']);
  assert.deepEqual(table(pod.routes, MAIN_TABLE), [
    '10.6.212.101 dev veth0 scope link src 10.6.212.241',
    'default via 10.6.0.1 dev eth0',
    '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.212.241',
    '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.212.241',
    '169.254.0.0/16 via 10.6.212.101 dev veth0 src 10.6.212.241',
  ]);
  assert.deepEqual(table(pod.routes, 100), ['default via 10.6.212.101 dev veth0 src 10.6.212.241']);
  assert.deepEqual(pod.neighbours.map(neighbourText), [
    `10.6.212.101 dev veth0 lladdr ${veth?.hostMac} PERMANENT`,
  ]);
  assert.deepEqual(notes, [
    'hijacked network fd00:10:233::/116 is left out: the pod has no address of its family',
  ]);
});

test('G1, IPv4: the node', () => {
  const { node, veth } = plan([ipv4]);
  assert.deepEqual(node.rules.map(ruleText), ['1000: from all lookup 500']);
  assert.deepEqual(table(node.routes, 500), ['10.6.212.241 dev veth0123456789a scope link']);
  assert.deepEqual(node.neighbours.map(neighbourText), [
    `10.6.212.241 dev veth0123456789a lladdr ${veth?.podMac} PERMANENT`,
  ]);
});

test('G1, IPv6: the pod and the node, without sources and with the kernel’s metric', () => {
  const { pod, node } = plan([ipv6]);
  assert.deepEqual(pod.rules.map(ruleText), ['1000: from all fwmark 0x1 lookup 100']);
  assert.deepEqual(
    pod.rules.map((rule) => rule.family),
    [6],
  );
  assert.deepEqual(table(pod.routes, MAIN_TABLE), [
    'fd00:10:6::101 dev veth0 metric 1024',
    'default via fd00:10:6::1 dev eth0 metric 1024',
    'fd00:10:233::/116 via fd00:10:6::101 dev veth0 metric 1024',
  ]);
  assert.deepEqual(table(pod.routes, 100), ['default via fd00:10:6::101 dev veth0 metric 1024']);
  assert.deepEqual(table(node.routes, 500), ['fd00:10:6::241 dev veth0123456789a metric 1024']);
});

test('G1, both families: each family has the objects that it has alone', () => {
  const both = plan([ipv4, ipv6]);
  const alone = [plan([ipv4]), plan([ipv6])];
  for (const where of ['pod', 'node'] as const) {
    for (const kind of ['routes', 'rules', 'neighbours', 'addresses'] as const) {
      const texts = (plans: DesiredNetwork[]) =>
        plans.flatMap((one) => one[where][kind].map((object) => JSON.stringify(object, bigText))).sort();
      assert.deepEqual(texts([both]), texts(alone), `${kind} of the ${where}`);
    }
  }
});

function bigText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

test('every route, rule and neighbour has our protocol number, and every other object has its owner', () => {
  const { pod, node } = plan([ipv4, ipv6]);
  for (const { routes, rules, neighbours, links, addresses } of [pod, node]) {
    for (const object of [...routes.filter(({ dev }) => dev !== 'eth0'), ...rules, ...neighbours])
      assert.equal(object.protocol, ROUTE_PROTOCOL);
    for (const object of [...routes, ...neighbours, ...links, ...addresses])
      assert.deepEqual(object.owner, attachment);
  }
  assert.deepEqual(
    node.rules.map((rule) => rule.owner),
    ['node', 'node'],
  );
});

test('every address of the node is reached through veth0, and the first of a family is the gateway', () => {
  const { pod } = plan([ipv4], { nodes: [node4, parseAddress('10.7.0.5'), node6] });
  assert.deepEqual(table(pod.routes, MAIN_TABLE).slice(0, 2), [
    '10.6.212.101 dev veth0 scope link src 10.6.212.241',
    '10.7.0.5 dev veth0 scope link src 10.6.212.241',
  ]);
  assert.equal(pod.neighbours.length, 2);
});

test('a route through a gateway comes after the link route to that gateway', () => {
  const routes = plan([ipv4, ipv6]).pod.routes.filter(({ dev }) => dev !== 'eth0');
  for (const [i, route] of routes.entries()) {
    const { gateway } = route;
    if (gateway === undefined) continue;
    const way = { address: gateway, prefixLength: gateway.family === 4 ? 32 : 128 };
    const before = routes.slice(0, i).map(({ destination }) => formatCidr(destination));
    assert.ok(before.includes(formatCidr(way)), routeText(route));
  }
});

test('a repeated ADD of one attachment plans the same MAC addresses, and another attachment plans others', () => {
  assert.deepEqual(plan([ipv4]), plan([ipv4]));
  const settings = mergeSettings({ netConf: {}, podAnnotations: {}, coordinator: cluster });
  const other = planPod({
    containerId: 'ffff',
    nics: [{ name: 'eth0', addresses: [ipv4], routes: [], settings }],
    nodeAddresses: [node4],
  });
  const macs = [plan([ipv4]), other].flatMap(({ veth }) => [veth?.podMac ?? '', veth?.hostMac ?? '']);
  assert.equal(new Set(macs).size, 4);
  for (const mac of macs)
    assert.match(mac, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/, 'locally administered, unicast');
  assert.equal(other.veth?.hostLink, 'vethffff');
});

test('MASQUERADE towards the pod finds an address of the node on the host veth, not docker0’s', () => {
  const { node } = plan([ipv4, ipv6]);
  assert.deepEqual(
    node.addresses.map(({ dev, address, scope }) => `${formatCidr(address)} ${dev} ${scope}`),
    ['10.6.212.101/32 veth0123456789a global', 'fd00:10:6::101/128 veth0123456789a global'],
  );
});

test('a NIC that inherited strict rp_filter is relaxed too, not only `all`', () => {
  assert.deepEqual(
    plan([ipv4]).pod.sysctls.map(({ key, value }) => `${key}=${value}`),
    ['ipv4/conf/all/rp_filter=0', 'ipv4/conf/eth0/rp_filter=0', 'ipv4/conf/veth0/rp_filter=0'],
  );
  assert.deepEqual(plan([ipv4], { netConf: { podRPFilter: -1 } }).pod.sysctls, [], '-1 leaves it alone');
});

test('IPv6 stays off on links where somebody switched it off, because `all` is not written', () => {
  const keys = plan([ipv6]).pod.sysctls.map(({ key }) => key);
  assert.deepEqual(keys, ['ipv6/conf/eth0/disable_ipv6', 'ipv6/conf/veth0/disable_ipv6']);
});

test('the node does not accept a pod as its router', () => {
  const { node } = plan([ipv6]);
  assert.deepEqual(
    node.sysctls.map(({ key, value }) => `${key}=${value}`),
    ['ipv6/conf/veth0123456789a/accept_ra=0'],
  );
});

test('an application’s own packet mark survives: our mark is restored only on unmarked packets with our bit', () => {
  const [rule] = plan([ipv4]).pod.table?.rules ?? [];
  assert.match(rule?.commands ?? '', /iifname "veth0" ct state new ct mark set ct mark \| 0x1 /);
  assert.match(rule?.commands ?? '', /meta mark 0x0 ct mark & 0x1 == 0x1 meta mark set 0x1 /);
});

test('a MAC prefix gives a MAC address from the first IP address, and the kernel announces it', () => {
  const { pod, nics } = plan([ipv4, ipv6], { netConf: { podMACPrefix: '0A:1b' } });
  assert.equal(nics[0]?.mac, '0a:1b:0a:06:d4:f1');
  assert.equal(pod.links.find((link) => link.name === 'eth0')?.mac, '0a:1b:0a:06:d4:f1');
  const keys = pod.sysctls.map(({ key }) => key);
  assert.ok(keys.includes('ipv4/conf/eth0/arp_notify'));
  assert.ok(keys.includes('ipv6/conf/eth0/ndisc_notify'));
});

test('a MAC prefix works with an IPv6 address that starts with a zero byte', () => {
  const { nics } = plan([parseCidr('64:ff9b::a06:5/96')], { netConf: { podMACPrefix: '0a:1b' } });
  assert.equal(nics[0]?.mac, '0a:1b:0a:06:00:05');
});

test('txQueueLen belongs to the pod’s NIC, not to the node’s NIC of that name', () => {
  const { pod, node } = plan([ipv4], { netConf: { txQueueLen: 1000 } });
  assert.equal(pod.links.find((link) => link.name === 'eth0')?.txQueueLength, 1000);
  assert.deepEqual(
    node.links.map((link) => link.name),
    ['veth0123456789a'],
  );
});

test('vethLinkAddress is on veth0 with scope link, so it is never a source address', () => {
  const { pod } = plan([ipv4], { netConf: { vethLinkAddress: '169.254.100.1' } });
  assert.deepEqual(
    pod.addresses.map(({ dev, address, scope }) => `${formatCidr(address)} ${dev} ${scope}`),
    ['169.254.100.1/32 veth0 link'],
  );
  assert.deepEqual(plan([ipv4]).pod.addresses, [], 'none unless set');
});

test('vethMTU and an empty queue are on both ends of the veth pair', () => {
  const { pod, node } = plan([ipv4], { netConf: { vethMTU: 1400 } });
  const [end] = node.links;
  assert.deepEqual(
    { mtu: end?.mtuBytes, queue: end?.txQueueLength, type: end?.type },
    {
      mtu: 1400,
      queue: 0,
      type: {
        kind: 'veth',
        peer: { name: 'veth0', mac: pod.links[0]?.mac, mtuBytes: 1400, txQueueLength: 0 },
      },
    },
  );
});

test('a veth MTU too small for IPv6 is refused only if the pod has IPv6', () => {
  assert.throws(
    () => plan([ipv6], { netConf: { vethMTU: 1000 } }),
    /vethMTU 1000 is invalid; allowed: at least 1280/,
  );
  assert.equal(plan([ipv4], { netConf: { vethMTU: 1000 } }).pod.links[0]?.mtuBytes, 1000);
});

test('for an IPv6 pod on a node without IPv6, hijacked networks are left out with a note, and ADD succeeds', () => {
  const { pod, node, notes } = plan([ipv4, ipv6], { nodes: [node4] });
  assert.ok(pod.routes.every(({ dev, destination }) => dev === 'eth0' || destination.address.family === 4));
  assert.deepEqual(
    pod.rules.map((rule) => rule.family),
    [4],
  );
  assert.deepEqual(notes, [
    'hijacked network fd00:10:233::/116 is left out: the node has no such address family',
  ]);
  assert.equal(node.routes.length, 2, 'the node still has its routes to the pod');
});

test('a hijacked network that equals the NIC’s own subnet, or everything, does not replace the NIC’s routes', () => {
  const { pod, notes } = plan([ipv4], { netConf: { hijackCIDR: ['10.6.0.0/16', '0.0.0.0/0'] } });
  assert.deepEqual(table(pod.routes, MAIN_TABLE).length, 4);
  assert.equal(notes.filter((note) => note.includes('eth0 has a route')).length, 2);
});

test('policy routes use the NIC itself, in main', () => {
  const { pod } = plan([ipv4], {
    netConf: {
      policyRoutes: [
        { dst: '172.30.0.0/16', gw: '10.6.0.1' },
        { dst: 'fd99::/64', gw: 'fd00:10:6::1' },
      ],
    },
  });
  assert.equal(table(pod.routes, MAIN_TABLE).at(-1), '172.30.0.0/16 via 10.6.0.1 dev eth0');
});

test('a NIC without an address is refused, and link-local addresses do not count', () => {
  assert.throws(
    () => plan([parseCidr('fe80::1/64'), parseCidr('169.254.3.4/16')]),
    /no usable IP addresses on "eth0"/,
  );
});
