// Each kind of damage to a running pod, repaired by comparison in real namespaces; what is not ours stays as it is.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import type { NetworkNamespace } from '#net';
import { mergeOptions, nicRoutes, planPod, readSettings, usualNumbers } from '#plan/network';
import { applyNetwork } from './apply.ts';
import { connectFrom, ip, Lan, withServer } from './lan-fixture.ts';
import { type Namespaces, seePod } from './pod-sight.ts';
import { podInputOf, type RecordedNic, recordNic } from './recorded-nic.ts';
import { type Drift, driftOf, repairNetwork } from './repair.ts';

const containerId = '0123456789abcdef';
const hostLink = 'veth0123456789a';
const CIDRS = [parseCidr('10.6.212.241/16'), parseCidr('fd00:10:6::241/64')];
const POD = { 4: '10.6.212.241', 6: 'fd00:10:6::241' } as const;
const NODE = { 4: '10.6.212.101', 6: 'fd00:10:6::101' } as const;
const nodeAddresses = [parseAddress(NODE[4]), parseAddress(NODE[6])];
/** What a comparison says of a pod that is as it should be. */
const allWell: Drift = { damage: [], differences: [], lost: [], repairable: true };
const options = mergeOptions({
  netConf: { overlayPodCIDR: ['10.233.64.0/18'], serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'] },
  podAnnotations: {},
  coordinator: undefined,
});

/** A pod with a macvlan NIC as ADD leaves it, and a route that its plugin made besides the default. */
class Site implements Disposable {
  readonly lan = new Lan('rp');
  readonly namespaces: Namespaces;
  readonly record: RecordedNic;
  readonly #whole: readonly string[];

  constructor() {
    this.lan.addMacvlan([4, 6]);
    const { pod } = this.lan;
    ip('-n', pod, 'route', 'add', '172.30.0.0/16', 'via', '10.6.0.1', 'dev', 'eth0');
    ip('-n', pod, 'route', 'add', 'fd00:30::/64', 'via', 'fd00:10:6::1', 'dev', 'eth0');
    this.namespaces = {
      pod: openNamespace(this.lan.path(pod)),
      node: openNamespace(this.lan.path(this.lan.node)),
    };
    const sight = seePod(this.namespaces.pod);
    const routes = nicRoutes({ name: 'eth0', addresses: CIDRS }, sight.routes);
    const nic = { name: 'eth0', addresses: CIDRS, routes, settings: readSettings(options) };
    const desired = planPod({ containerId, nics: [nic], nodeAddresses });
    applyNetwork(desired, this.namespaces, sight);
    const [planned] = desired.nics;
    assert.ok(planned);
    this.record = recordNic({
      mode: 'underlay',
      nic,
      index: sight.links.find(({ name }) => name === 'eth0')?.index,
      planned,
      options,
      overlay: undefined,
      numbers: usualNumbers,
      nodeAddresses,
      plannedAt: '2030-01-01T00:00:00.000Z',
    });
    this.#whole = this.everything();
  }

  in(where: 'pod' | 'node', line: string): string {
    return execFileSync('ip', ['netns', 'exec', this.lan[where], 'sh', '-c', line], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Rules, routes, addresses and neighbours of both, and the pod's table, but for what the kernel adds by itself. */
  everything(): string[] {
    const lines = (['pod', 'node'] as const).flatMap((where) =>
      [
        'ip rule',
        'ip -6 rule',
        'ip -o address',
        'ip route show table all',
        'ip -6 route show table all',
        'ip neighbour show nud permanent',
      ].flatMap((command) => this.in(where, command).split('\n')),
    );
    const rules = this.in('pod', 'nft list ruleset').split('\n');
    return [...lines, ...rules]
      .filter((line) => !/fe80|^ff00|multicast|anycast/.test(line))
      .map((line) =>
        line
          .replaceAll(/^\d+: | (linkdown|pref medium)\b|(valid_lft|preferred_lft) \S+|\\/g, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      )
      .filter((line) => line !== '')
      .sort();
  }

  request() {
    return { desired: planPod(podInputOf(containerId, [this.record])), nics: [this.record] };
  }

  repair(): Drift {
    return repairNetwork(this.request(), this.namespaces);
  }

  /** As ADD has left it, and seen so by the comparison. */
  assertWhole(): void {
    assert.deepEqual(this.everything(), this.#whole);
    assert.deepEqual(driftOf(this.request(), this.namespaces), allWell);
  }

  async assertReachable(): Promise<void> {
    for (const family of [4, 6] as const) {
      await withServer(this.lan.pod, 8080, () => {
        assert.equal(connectFrom(this.lan.node, POD[family], 8080), `${NODE[family]} hello`);
        const router = family === 4 ? '10.6.0.1' : 'fd00:10:6::1';
        assert.equal(connectFrom(this.lan.lan, POD[family], 8080), `${router} hello`);
      });
    }
  }

  [Symbol.dispose](): void {
    this.namespaces.pod.close();
    this.namespaces.node.close();
    this.lan.remove();
  }
}

before(primeThreads);

/** Where, the command that breaks it, and a word of the sentence that names the object. */
const damages: readonly (readonly ['pod' | 'node', string, RegExp])[] = [
  ['pod', 'ip route del 10.233.0.0/18', /route 10\.233\.0\.0\/18 .* is missing from table main/],
  ['pod', 'ip -6 route del fd00:10:233::/116', /route fd00:10:233::\/116 .* is missing/],
  ['pod', 'ip route del 10.6.212.101 dev veth0', /route 10\.6\.212\.101 dev veth0/],
  ['pod', 'ip route flush table 100', /default via 10\.6\.212\.101 dev veth0 .* table 100/],
  ['pod', 'ip -6 route flush table 100', /default via fd00:10:6::101 .* table 100/],
  ['pod', 'ip route del default', /route default via 10\.6\.0\.1 dev eth0 is missing/],
  ['pod', 'ip -6 route del default', /route default via fd00:10:6::1 dev eth0 .*is missing/],
  ['pod', 'ip route del 172.30.0.0/16', /route 172\.30\.0\.0\/16 .* is missing/],
  ['pod', 'ip -6 route del fd00:30::/64', /route fd00:30::\/64 .* is missing/],
  ['pod', 'ip route replace 10.233.0.0/18 dev eth0 proto 79', /is 10\.233\.0\.0\/18 dev eth0 .*instead/],
  ['pod', 'ip rule del pref 1000', /^rule 1000: from all fwmark 0x1 lookup 100 is missing/],
  ['pod', 'ip -6 rule del pref 1000', /IPv6 rule 1000/],
  ['pod', 'ip neighbour del 10.6.212.101 dev veth0', /neighbour 10\.6\.212\.101 .* is missing/],
  ['pod', 'ip neighbour del fd00:10:6::101 dev veth0', /neighbour fd00:10:6::101 .* is missing/],
  [
    'pod',
    'ip neighbour replace 10.6.212.101 dev veth0 lladdr 02:00:00:00:00:66 nud permanent',
    /neighbour 10\.6\.212\.101 dev veth0 .* is .*02:00:00:00:00:66/,
  ],
  ['pod', 'nft delete table inet orbweaver', /table inet orbweaver is missing/],
  ['pod', 'nft flush chain inet orbweaver output', /chain output in .* is missing/],
  ['pod', 'nft flush ruleset', /table inet orbweaver is missing/],
  ['pod', 'echo 1 >/proc/sys/net/ipv4/conf/veth0/rp_filter', /rp_filter is 1, not 0/],
  ['pod', 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6', /disable_ipv6 is 1, not 0/],
  ['pod', 'ip link set veth0 down', /link veth0 is down/],
  ['pod', 'ip link set eth0 down', /link eth0 is down/],
  ['pod', 'ip link set veth0 address 02:00:00:00:00:77', /veth0 has MAC address 02:00:00:00:00:77/],
  ['pod', 'ip link del veth0', /link veth0 is missing/],
  ['pod', 'ip address flush dev eth0', /inet 10\.6\.212\.241\/16 dev eth0 .* is missing/],
  ['node', `ip link del ${hostLink}`, new RegExp(`link ${hostLink} is missing`)],
  ['node', `ip link set ${hostLink} down`, new RegExp(`link ${hostLink} is down`)],
  ['node', 'ip route flush table 500', /route 10\.6\.212\.241 .* is missing from table 500/],
  ['node', 'ip -6 route flush table 500', /route fd00:10:6::241 .* is missing from table 500/],
  ['node', 'ip rule del pref 1000', /rule 1000: from all lookup 500 is missing/],
  ['node', 'ip -6 rule del pref 1000', /IPv6 rule 1000: from all lookup 500 is missing/],
  ['node', `ip neighbour del 10.6.212.241 dev ${hostLink}`, /neighbour 10\.6\.212\.241 .* is missing/],
  ['node', `ip neighbour del fd00:10:6::241 dev ${hostLink}`, /neighbour fd00:10:6::241 .* is missing/],
  ['node', `ip address flush dev ${hostLink}`, /address inet 10\.6\.212\.101\/32 .* is missing/],
];

describe('damage', () => {
  let site: Site;
  before(() => {
    site = new Site();
  });
  after(() => site[Symbol.dispose]());
  for (const [where, command, words] of damages) {
    test(`"${command}" in the ${where} is named and repaired`, () => {
      site.in(where, command);
      const { damage, lost } = site.repair();
      assert.ok(
        damage.some((problem) => words.test(problem)),
        damage.join('\n'),
      );
      assert.deepEqual(lost, []);
      site.assertWhole();
    });
  }
});

const flaps: readonly (readonly ['pod' | 'node', string])[] = [
  ['pod', 'eth0'],
  ['pod', 'veth0'],
  ['node', hostLink],
  ['node', 'eth0'],
];

for (const [where, link] of flaps) {
  test(`${link} of the ${where} goes down and up: addresses and routes are back, and TCP works in both directions`, async () => {
    using site = new Site();
    site.in(where, `ip link set ${link} down`);
    site.in(where, `ip link set ${link} up`);
    if (where === 'node' && link === 'eth0') {
      // The node's own configuration is somebody else's to restore.
      site.in('node', 'ip address add fd00:10:6::101/64 dev eth0 nodad');
      site.in('node', 'ip route replace default via 10.6.0.1');
      site.in('node', 'ip -6 route replace default via fd00:10:6::1');
    }
    site.repair();
    site.assertWhole();
    await site.assertReachable();
  });
}

test('a deleted veth pair is made again with the same MAC addresses, and TCP works', async () => {
  using site = new Site();
  const macs = () =>
    [site.in('node', `ip -br link show ${hostLink}`), site.in('pod', 'ip -br link show veth0')].map(
      (line) => line.split(/\s+/)[2],
    );
  const before = macs();
  site.in('node', `ip link del ${hostLink}`);
  site.repair();
  assert.deepEqual(macs(), before);
  await site.assertReachable();
});

test('without damage nothing is found and nothing is written', () => {
  using site = new Site();
  const untouchable: NetworkNamespace = new Proxy(site.namespaces.pod, {
    get(target, name) {
      assert.ok(!['change', 'setSysctl', 'nft'].includes(String(name)), `${String(name)} was called`);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const namespaces = { pod: untouchable, node: site.namespaces.node };
  assert.deepEqual(repairNetwork(site.request(), namespaces), allWell);
});

describe('foreign objects', () => {
  test('foreign routes, rules, neighbours, addresses and tables stay', () => {
    using site = new Site();
    for (const command of [
      'ip route add 192.0.2.0/24 via 10.6.0.1',
      'ip route add 192.0.2.0/24 dev veth0 table 100',
      'ip rule add pref 500 lookup 77',
      'ip -6 rule add pref 500 lookup 77',
      'ip neighbour add 10.6.0.77 dev eth0 lladdr 02:00:00:00:00:07 nud permanent',
      'ip address add 192.0.2.9/32 dev eth0',
      'nft add table inet mine',
    ]) {
      site.in('pod', command);
    }
    const before = site.everything();
    site.in('pod', 'ip rule del pref 1000');
    site.repair();
    assert.deepEqual(site.everything(), before);
  });

  test('a foreign default route in place of the plugin’s stays', () => {
    using site = new Site();
    site.in('pod', 'ip route replace default via 10.6.0.9 dev eth0');
    assert.deepEqual(site.repair(), allWell);
    assert.match(site.in('pod', 'ip route show default'), /via 10\.6\.0\.9/);
  });

  test('a deleted eth0 is reported and not made again, and the remaining way to the node stays', () => {
    using site = new Site();
    site.in('pod', 'ip link del eth0');
    site.in('pod', 'ip rule del pref 1000');
    const { lost } = site.repair();
    assert.deepEqual(lost, ['interface eth0 is missing']);
    assert.doesNotMatch(site.in('pod', 'ip -br link'), /^eth0/m);
    assert.match(site.in('pod', 'ip rule'), /fwmark 0x1 lookup 100/);
  });

  test('an eth0 that is replaced by another link, as by KubeVirt, gets no addresses or routes', () => {
    using site = new Site();
    for (const line of ['link set eth0 down', 'link set eth0 name eth0-nic', 'link add eth0 type bridge']) {
      site.in('pod', `ip ${line}`);
    }
    const before = site.in('pod', 'ip -o address show dev eth0');
    const { lost } = site.repair();
    assert.match(lost.join(), /interface eth0 is not the one that was attached/);
    assert.equal(site.in('pod', 'ip -o address show dev eth0'), before);
    assert.equal(site.in('pod', 'ip route show dev eth0'), '');
  });

  test('an address of eth0 that moved to a bridge in the pod is not added again', () => {
    using site = new Site();
    for (const line of [
      'link add br0 up type bridge',
      'address del 10.6.212.241/16 dev eth0',
      'address add 10.6.212.241/16 dev br0',
    ]) {
      site.in('pod', `ip ${line}`);
    }
    const { lost } = site.repair();
    assert.deepEqual(lost, ['address 10.6.212.241 of interface eth0 is on br0']);
    assert.doesNotMatch(site.in('pod', 'ip -o address show dev eth0'), /10\.6\.212\.241/);
  });

  test('a foreign veth0 is reported, and nothing is changed', () => {
    using site = new Site();
    site.in('node', `ip link del ${hostLink}`);
    site.in('pod', 'ip link add veth0 type veth peer name other');
    const before = site.everything();
    const { lost } = site.repair();
    assert.match(lost.join(), /is not the peer of veth0/);
    assert.deepEqual(site.everything(), before);
  });
});

test('changed networks replace the old routes by new ones, and are not damage', () => {
  using site = new Site();
  const next = { ...options, serviceCIDR: ['10.96.0.0/12', 'fd00:10:96::/112'] };
  const desired = planPod(
    podInputOf(containerId, [{ ...site.record, options: next as RecordedNic['options'] }]),
  );
  const before = site.request().desired;
  const drift = repairNetwork({ desired, before, nics: [site.record] }, site.namespaces);
  assert.deepEqual(drift.damage, []);
  assert.ok(drift.differences.some((problem) => problem.includes('10.96.0.0/12')));
  const routes = site.in('pod', 'ip route') + site.in('pod', 'ip -6 route');
  assert.match(routes, /10\.96\.0\.0\/12 via 10\.6\.212\.101/);
  assert.match(routes, /fd00:10:96::\/112 via fd00:10:6::101/);
  assert.doesNotMatch(routes, /10\.233\.0\.0\/18|fd00:10:233::/);
  assert.match(routes, /10\.233\.64\.0\/18/);
});
