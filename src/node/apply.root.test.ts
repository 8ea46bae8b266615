import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { isOrbError } from '#base';
import { defaultDestination, parseAddress, parseCidr } from '#ip';
import { openNamespace, primeThreads } from '#kernel';
import { MAIN_TABLE, type Route, RTPROT } from '#net';
import { type DesiredNetwork, mergeSettings, nodeAddresses, planNode, planPod } from '#plan/network';
import { applyNetwork, applyNode } from './apply.ts';
import { checkNetwork } from './check.ts';
import { connectFrom, ip, Lan, withServer } from './lan-fixture.ts';
import { linksThatFilterSources, linksThatHearRouters } from './node-links.ts';
import type { Namespaces } from './pod-sight.ts';
import { undoNode, undoPod } from './undo.ts';

const containerId = '0123456789abcdef';
const hostLink = 'veth0123456789a';
const CIDRS = { 4: '10.6.212.241/16', 6: 'fd00:10:6::241/64' } as const;
const PODS = { 4: '10.6.212.241', 6: 'fd00:10:6::241' } as const;
const NODES = { 4: '10.6.212.101', 6: 'fd00:10:6::101' } as const;

type Families = readonly (4 | 6)[];

function plan(
  families: Families,
  netConf: Parameters<typeof mergeSettings>[0]['netConf'] = {},
): DesiredNetwork {
  const settings = mergeSettings({
    netConf: {
      overlayPodCIDR: ['10.233.64.0/18'],
      serviceCIDR: ['10.233.0.0/18', 'fd00:10:233::/116'],
      ...netConf,
    },
    podAnnotations: {},
    coordinator: undefined,
  });
  const addresses = families.map((family) => parseCidr(CIDRS[family]));
  return planPod({
    containerId,
    nics: [{ name: 'eth0', addresses, routes: families.map(byRouter), settings }],
    nodeAddresses: [parseAddress(NODES[4]), parseAddress(NODES[6])],
  });
}

/** The default route, as the macvlan plugin leaves it. */
function byRouter(family: 4 | 6): Route {
  return {
    destination: defaultDestination(family),
    table: MAIN_TABLE,
    type: 'unicast',
    scope: 'global',
    protocol: RTPROT.boot,
    dev: 'eth0',
    gateway: parseAddress(family === 4 ? '10.6.0.1' : 'fd00:10:6::1'),
  };
}

/** A node and a pod with a macvlan NIC, both open; gone at the end of the scope. */
class Site implements Disposable {
  readonly lan = new Lan('ap');
  readonly namespaces: Namespaces;

  constructor(families: Families) {
    this.lan.addMacvlan(families);
    this.namespaces = {
      pod: openNamespace(this.lan.path(this.lan.pod)),
      node: openNamespace(this.lan.path(this.lan.node)),
    };
    const node = planNode({
      advertisedLinks: [],
      filteringLinks: [],
      families: [4, 6],
      hostRuleTable: 500,
      tuneSysctls: true,
    });
    applyNode(node, this.namespaces.node);
  }

  /** What iproute2 prints, sorted, without what is the same for all of ours. */
  show(where: 'pod' | 'node', ...words: string[]): string[] {
    const text = ip('-n', this.lan[where], ...words);
    const lines = text.split('\n').map((line) =>
      line
        .replaceAll(/ (proto 79|pref medium|linkdown)\b/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );
    return lines.filter((line) => line !== '').sort();
  }

  [Symbol.dispose](): void {
    this.namespaces.pod.close();
    this.namespaces.node.close();
    this.lan.remove();
  }
}

before(primeThreads);

for (const families of [[4], [6], [4, 6]] as const) {
  describe(`families ${families.join(' and ')}`, () => {
    test('the kernel holds golden table G1', () => {
      using site = new Site(families);
      const desired = plan(families);
      applyNetwork(desired, site.namespaces);
      const { hostMac, podMac } = desired.veth ?? {};
      if (families.includes(4 as never)) {
        assert.deepEqual(site.show('pod', 'rule'), [
          '0: from all lookup local',
          '1000: from all fwmark 0x1 lookup 100',
          '32766: from all lookup main',
          '32767: from all lookup default',
        ]);
        assert.deepEqual(site.show('pod', 'route'), [
          '10.233.0.0/18 via 10.6.212.101 dev veth0 src 10.6.212.241',
          '10.233.64.0/18 via 10.6.212.101 dev veth0 src 10.6.212.241',
          '10.6.0.0/16 dev eth0 proto kernel scope link src 10.6.212.241',
          '10.6.212.101 dev veth0 scope link src 10.6.212.241',
          'default via 10.6.0.1 dev eth0',
        ]);
        assert.deepEqual(site.show('pod', 'route', 'show', 'table', '100'), [
          'default via 10.6.212.101 dev veth0 src 10.6.212.241',
        ]);
        assert.ok(site.show('node', 'rule').includes('1000: from all lookup 500'));
        assert.deepEqual(site.show('node', 'route', 'show', 'table', '500'), [
          `10.6.212.241 dev ${hostLink} scope link`,
        ]);
      }
      if (families.includes(6 as never)) {
        assert.deepEqual(site.show('pod', '-6', 'rule'), [
          '0: from all lookup local',
          '1000: from all fwmark 0x1 lookup 100',
          '32766: from all lookup main',
        ]);
        const main = site.show('pod', '-6', 'route').filter((line) => !line.startsWith('fe80::'));
        assert.deepEqual(main, [
          'default via fd00:10:6::1 dev eth0 metric 1024',
          'fd00:10:233::/116 via fd00:10:6::101 dev veth0 metric 1024',
          'fd00:10:6::/64 dev eth0 proto kernel metric 256',
          'fd00:10:6::101 dev veth0 metric 1024',
        ]);
        assert.deepEqual(site.show('pod', '-6', 'route', 'show', 'table', '100'), [
          'default via fd00:10:6::101 dev veth0 metric 1024',
        ]);
        assert.ok(site.show('node', '-6', 'rule').includes('1000: from all lookup 500'));
        assert.deepEqual(site.show('node', '-6', 'route', 'show', 'table', '500'), [
          `fd00:10:6::241 dev ${hostLink} metric 1024`,
        ]);
      }
      assert.deepEqual(
        site.show('pod', 'neighbour', 'show', 'nud', 'permanent', 'dev', 'veth0'),
        families.map((family) => `${NODES[family]} lladdr ${hostMac} PERMANENT`),
      );
      assert.deepEqual(
        site.show('node', 'neighbour', 'show', 'nud', 'permanent', 'dev', hostLink),
        families.map((family) => `${PODS[family]} lladdr ${podMac} PERMANENT`),
      );
    });

    test('the pod and its own node reach one another, each by its own address', async () => {
      using site = new Site(families);
      applyNetwork(plan(families), site.namespaces);
      const { pod, node } = site.lan;
      for (const family of families) {
        const toNode = await withServer(node, 7000, () => connectFrom(pod, NODES[family], 7000));
        assert.equal(toNode, `${PODS[family]} hello`);
        const toPod = await withServer(pod, 7000, () => connectFrom(node, PODS[family], 7000));
        assert.equal(toPod, `${NODES[family]} hello`);
      }
    });

    test('a second apply changes nothing', () => {
      using site = new Site(families);
      assert.notDeepEqual(applyNetwork(plan(families), site.namespaces).repaired, []);
      assert.deepEqual(applyNetwork(plan(families), site.namespaces).repaired, []);
      assert.deepEqual(checkNetwork(plan(families), site.namespaces), []);
    });

    test('undo leaves nothing, a second undo succeeds, and the plan can be applied again', async () => {
      using site = new Site(families);
      const shown = () => ({
        node: ['link', 'address', 'route show table all', '-6 route show table all', 'neighbour'].map(
          (what) => site.show('node', ...what.split(' ')).filter((line) => line.includes('veth')),
        ),
        rules: site.show('pod', 'rule').concat(site.show('pod', '-6', 'rule')),
        routes: site
          .show('pod', 'route')
          .concat(site.show('pod', '-6', 'route'))
          .filter((line) => line.includes('veth')),
        nft: execFileSync('ip', ['netns', 'exec', site.lan.pod, 'nft', 'list', 'ruleset'], {
          encoding: 'utf8',
        }),
      });
      const clean = shown();
      applyNetwork(plan(families), site.namespaces);
      assert.notDeepEqual(shown(), clean);
      for (const _ of [1, 2]) {
        await undoNode(site.namespaces.node, containerId);
        undoPod(site.namespaces.pod);
      }
      assert.deepEqual(shown(), clean);
      applyNetwork(plan(families), site.namespaces);
      assert.deepEqual(checkNetwork(plan(families), site.namespaces), []);
    });
  });
}

test('without the plan the pod does not reach its own node, because macvlan forbids it', async () => {
  using site = new Site([4]);
  const answer = await withServer(site.lan.node, 7000, () => connectFrom(site.lan.pod, NODES[4], 7000));
  assert.match(answer, /^nothing/);
});

test('CHECK names the missing or changed object, and apply repairs it', () => {
  using site = new Site([4, 6]);
  const desired = plan([4, 6]);
  applyNetwork(desired, site.namespaces);
  const { pod, node } = site.lan;
  const damages: [string[], RegExp][] = [
    [
      ['-n', pod, 'route', 'del', '10.233.0.0/18'],
      /^route 10\.233\.0\.0\/18 via 10\.6\.212\.101 dev veth0 .*is missing from table main$/,
    ],
    [
      ['-n', pod, 'route', 'del', 'default', 'table', '100'],
      /^route default via 10\.6\.212\.101 .* table 100$/,
    ],
    [
      ['-n', pod, '-6', 'rule', 'del', 'pref', '1000'],
      /^IPv6 rule 1000: from all fwmark 0x1 lookup 100 is missing$/,
    ],
    [
      ['-n', pod, 'neighbour', 'del', NODES[6], 'dev', 'veth0'],
      /^neighbour fd00:10:6::101 dev veth0 .*is missing$/,
    ],
    [['-n', pod, 'link', 'set', 'veth0', 'mtu', '1400'], /^link veth0 has MTU 1400, not 1500$/],
    [
      ['-n', node, 'route', 'del', PODS[4], 'table', '500'],
      /^route 10\.6\.212\.241 dev veth0123456789a .* is missing from table 500$/,
    ],
    [['-n', node, 'rule', 'del', 'pref', '1000'], /^rule 1000: from all lookup 500 is missing$/],
    [
      ['-n', node, 'address', 'del', `${NODES[6]}/128`, 'dev', hostLink],
      /^address inet6 fd00:10:6::101\/128 dev veth0123456789a scope global is missing$/,
    ],
    [
      ['netns', 'exec', pod, 'nft', 'flush', 'chain', 'inet', 'orbweaver', 'output'],
      /of chain output in nftables table inet orbweaver is missing$/,
    ],
    [
      ['netns', 'exec', pod, 'nft', 'delete', 'table', 'inet', 'orbweaver'],
      /^nftables table inet orbweaver is missing or empty$/,
    ],
  ];
  for (const [damage, sentence] of damages) {
    ip(...damage);
    const found = checkNetwork(desired, site.namespaces);
    assert.equal(found.length, 1, `${damage.join(' ')}: ${found.join('; ')}`);
    assert.match(found[0] ?? '', sentence);
    applyNetwork(desired, site.namespaces);
    assert.deepEqual(checkNetwork(desired, site.namespaces), [], damage.join(' '));
  }
});

test('CHECK names the lost veth pair and NIC address, and apply repairs only the veth pair', () => {
  using site = new Site([4]);
  const desired = plan([4]);
  applyNetwork(desired, site.namespaces);
  ip('-n', site.lan.node, 'link', 'del', hostLink);
  assert.deepEqual(
    checkNetwork(desired, site.namespaces).filter((problem) => problem.startsWith('link')),
    ['link veth0 is missing', `link ${hostLink} is missing`],
  );
  applyNetwork(desired, site.namespaces);
  assert.deepEqual(checkNetwork(desired, site.namespaces), []);
  ip('-n', site.lan.pod, 'address', 'del', CIDRS[4], 'dev', 'eth0');
  assert.ok(
    checkNetwork(desired, site.namespaces).includes('address 10.6.212.241/16 is missing from interface eth0'),
  );
  assert.throws(
    () => applyNetwork(desired, site.namespaces),
    (error) => isOrbError(error, 'COORDINATOR_LINK_TAKEN'),
  );
});

test('another program’s veth0 in the pod stays, and the error names it', () => {
  using site = new Site([4]);
  ip('-n', site.lan.pod, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'other');
  assert.throws(
    () => applyNetwork(plan([4]), site.namespaces),
    /link veth0123456789a of the node is not the peer of veth0/,
  );
  assert.equal(
    site.show('node', 'link').some((line) => line.includes(hostLink)),
    false,
  );
});

test('a host veth that another sandbox left is replaced', () => {
  using site = new Site([4]);
  const mac = plan([4]).veth?.hostMac ?? '';
  ip(
    '-n',
    site.lan.node,
    'link',
    'add',
    hostLink,
    'address',
    mac,
    'type',
    'veth',
    'peer',
    'name',
    'leftover',
  );
  applyNetwork(plan([4]), site.namespaces);
  assert.deepEqual(checkNetwork(plan([4]), site.namespaces), []);
});

test('another program’s veth with the name of our host link is neither replaced nor removed', async () => {
  using site = new Site([4]);
  ip('-n', site.lan.node, 'link', 'add', hostLink, 'type', 'veth', 'peer', 'name', 'theirs');
  assert.throws(() => applyNetwork(plan([4]), site.namespaces), {
    code: 'COORDINATOR_LINK_TAKEN',
    message: new RegExp(`link ${hostLink} of the node is another program's`),
  });
  await undoNode(site.namespaces.node, containerId, site.namespaces.pod);
  const links = () => site.show('node', 'link').filter((line) => line.includes('theirs'));
  assert.notDeepEqual(links(), []);
});

test('undo removes our host link also after somebody changed its MAC address', async () => {
  using site = new Site([4]);
  applyNetwork(plan([4]), site.namespaces);
  ip('-n', site.lan.node, 'link', 'set', hostLink, 'address', '02:00:00:00:00:99');
  await undoNode(site.namespaces.node, containerId, site.namespaces.pod);
  assert.equal(site.namespaces.node.link(hostLink), undefined);
});

test('DEL works although the pod’s namespace is gone', async () => {
  using site = new Site([4]);
  applyNetwork(plan([4]), site.namespaces);
  await undoNode(site.namespaces.node, containerId);
  assert.deepEqual(site.show('node', 'route', 'show', 'table', '500'), []);
  await undoNode(site.namespaces.node, containerId);
});

test('removed settings are removed from running pods', () => {
  using site = new Site([4]);
  applyNetwork(plan([4], { hijackCIDR: ['192.0.2.0/24'] }), site.namespaces);
  assert.ok(site.show('pod', 'route').some((line) => line.startsWith('192.0.2.0/24')));
  applyNetwork(plan([4]), site.namespaces);
  assert.ok(!site.show('pod', 'route').some((line) => line.startsWith('192.0.2.0/24')));
  assert.deepEqual(applyNetwork(plan([4]), site.namespaces).repaired, []);
});

test('MAC prefix, queue length, link address and MTU reach the kernel', () => {
  using site = new Site([4]);
  const options = { podMACPrefix: '0a:1b', txQueueLen: 77, vethLinkAddress: '169.254.100.1', vethMTU: 1400 };
  applyNetwork(plan([4], options), site.namespaces);
  const links = JSON.parse(ip('-n', site.lan.pod, '-j', 'address')) as Record<string, unknown>[];
  const facts = links.map(({ ifname, mtu, txqlen, address }) => ({ ifname, mtu, txqlen, address }));
  assert.deepEqual(
    facts.find(({ ifname }) => ifname === 'eth0'),
    {
      ifname: 'eth0',
      mtu: 1500,
      txqlen: 77,
      address: '0a:1b:0a:06:d4:f1',
    },
  );
  assert.equal(facts.find(({ ifname }) => ifname === 'veth0')?.mtu, 1400);
  assert.ok(
    site
      .show('pod', 'address', 'show', 'dev', 'veth0')
      .some((line) => line.startsWith('inet 169.254.100.1/32 scope link')),
  );
  assert.deepEqual(applyNetwork(plan([4], options), site.namespaces).repaired, []);
});

/** kube-proxy's part, by hand: a port of the node leads to the pod, with or without MASQUERADE. */
function nodePort(site: Site, masquerade: boolean): void {
  const rules = [
    'table ip proxy {',
    '  chain pre { type nat hook prerouting priority dstnat; ip daddr 10.6.212.101 tcp dport 30080 dnat to 10.6.212.241:80; }',
    `  chain post { type nat hook postrouting priority srcnat; ${masquerade ? 'ct status dnat masquerade;' : ''} }`,
    '}',
  ].join('\n');
  execFileSync('ip', ['netns', 'exec', site.lan.node, 'nft', '-f', '-'], { input: rules });
}

test('MAC addresses of the veth pair count as set by a user, so systemd does not change them', () => {
  using site = new Site([4]);
  applyNetwork(plan([4]), site.namespaces);
  for (const [namespace, link] of [
    [site.lan.node, hostLink],
    [site.lan.pod, 'veth0'],
  ] as const) {
    const file = `/sys/class/net/${link}/addr_assign_type`;
    // NET_ADDR_SET (netdevice.h); MACAddressPolicy changes NET_ADDR_RANDOM, 1 (systemd.link(5)).
    assert.equal(ip('netns', 'exec', namespace, 'cat', file).trim(), '3', link);
  }
});

test('a NodePort reply to the client’s own address leaves through veth0, because of the mark', async () => {
  using site = new Site([4]);
  applyNetwork(plan([4]), site.namespaces);
  nodePort(site, false);
  const ask = () => withServer(site.lan.pod, 80, () => connectFrom(site.lan.lan, '10.6.212.101', 30_080));
  assert.equal(await ask(), '10.6.0.1 hello');
  site.namespaces.pod.nft('delete table inet orbweaver\n');
  assert.match(await ask(), /^nothing/, 'without the mark it leaves by eth0, and nobody knows it there');
});

test('an application’s own mark on its packets is not overwritten', async () => {
  using site = new Site([4]);
  applyNetwork(plan([4]), site.namespaces);
  nodePort(site, false);
  // The application's part: it marks what it sends before our chain sees it, as SO_MARK does.
  site.namespaces.pod.nft(
    [
      'table inet application {',
      '  chain sending { type filter hook output priority -200; tcp sport 80 meta mark set 0x539; }',
      '  chain counting { type filter hook postrouting priority 0; meta mark 0x539 counter comment "own"; meta mark 0x1 counter comment "ours"; }',
      '}',
      '',
    ].join('\n'),
  );
  await withServer(site.lan.pod, 80, () => connectFrom(site.lan.lan, '10.6.212.101', 30_080));
  const counted = execFileSync(
    'ip',
    ['netns', 'exec', site.lan.pod, 'nft', 'list', 'chain', 'inet', 'application', 'counting'],
    {
      encoding: 'utf8',
    },
  );
  assert.match(counted, /counter packets [1-9]\d* bytes \d+ comment "own"/);
  assert.match(counted, /counter packets 0 bytes 0 comment "ours"/);
});

test('MASQUERADE towards the pod uses the node’s address, not docker0’s', async () => {
  using site = new Site([4]);
  applyNetwork(plan([4]), site.namespaces);
  nodePort(site, true);
  const ask = () => withServer(site.lan.pod, 80, () => connectFrom(site.lan.lan, '10.6.212.101', 30_080));
  assert.equal(await ask(), '10.6.212.101 hello');
  ip('-n', site.lan.node, 'address', 'del', `${NODES[4]}/32`, 'dev', hostLink);
  // The kernel takes a link's routes with its last address.
  ip('-n', site.lan.node, 'route', 'add', PODS[4], 'dev', hostLink, 'table', '500');
  assert.equal(await ask(), '172.17.0.1 hello', 'the symptom, were there no address on the host veth');
});

test('the node’s addresses come from the kernel and its Node object', () => {
  using site = new Site([4, 6]);
  applyNetwork(plan([4, 6]), site.namespaces);
  const { node } = site.namespaces;
  const found = nodeAddresses(node.links(), node.addresses(), undefined);
  assert.deepEqual(found, [parseAddress(NODES[4]), parseAddress(NODES[6])]);
});

test('a node with a default router from advertisements keeps it when forwarding is switched on', () => {
  using lan = new Lan('nd');
  const node = openNamespace(lan.path(lan.node));
  try {
    node.setSysctl('ipv6/conf/eth0/accept_ra', '1');
    const advertisedLinks = linksThatHearRouters(node);
    assert.ok(advertisedLinks.includes('eth0'));
    const desired = planNode({
      advertisedLinks,
      filteringLinks: [],
      families: [4, 6],
      hostRuleTable: 500,
      tuneSysctls: true,
    });
    assert.ok(applyNode(desired, node).repaired.includes('sysctl net/ipv6/conf/eth0/accept_ra is 1, not 2'));
    assert.equal(node.sysctl('ipv6/conf/eth0/accept_ra'), '2');
    assert.equal(node.sysctl('ipv4/conf/all/forwarding'), '1');
    assert.deepEqual(applyNode(desired, node).repaired, [], 'and once is enough');
  } finally {
    node.close();
  }
});

test('an underlay pod reaches overlay pods although the tunnel came up with strict rp_filter', () => {
  using lan = new Lan('nf');
  const node = openNamespace(lan.path(lan.node));
  try {
    node.setSysctl('ipv4/conf/default/rp_filter', '1');
    node.setSysctl('ipv4/conf/eth0/rp_filter', '1');
    const vxlan = ['type', 'vxlan', 'id', '7', 'dstport', '4789', 'dev', 'eth0'];
    ip('-n', lan.node, 'link', 'add', 'vxlan.calico', ...vxlan);
    ip('-n', lan.node, 'link', 'add', 'cali1', 'type', 'veth', 'peer', 'name', 'cali2');
    const filteringLinks = linksThatFilterSources(node);
    assert.deepEqual(
      filteringLinks.toSorted(),
      ['eth0', 'vxlan.calico'],
      'the ends of pods stay as they are',
    );
    const desired = planNode({
      advertisedLinks: [],
      filteringLinks,
      families: [4, 6],
      hostRuleTable: 500,
      tuneSysctls: true,
    });
    applyNode(desired, node);
    assert.equal(node.sysctl('ipv4/conf/vxlan.calico/rp_filter'), '2');
    assert.equal(node.sysctl('ipv4/conf/cali1/rp_filter'), '1');
    assert.deepEqual(linksThatFilterSources(node), [], 'and once is enough');
  } finally {
    node.close();
  }
});

test("a forwarding node does not take a pod as its router, because the pod's link ignores advertisements", () => {
  using lan = new Lan('ne');
  const node = openNamespace(lan.path(lan.node));
  try {
    node.setSysctl('ipv6/conf/all/forwarding', '1');
    ip('-n', lan.node, 'link', 'add', 'cali1', 'up', 'type', 'veth', 'peer', 'name', 'p1');
    node.setSysctl('ipv6/conf/cali1/accept_ra', '1');
    assert.deepEqual(linksThatHearRouters(node), []);
  } finally {
    node.close();
  }
});

test('the cost of an ADD does not grow with the number of pods on the node', () => {
  using site = new Site([4, 6]);
  const { node } = site.lan;
  const others = Array.from({ length: 100 }, (_, i) => [
    `link add vetho${i} type veth peer name p${i}`,
    `link set vetho${i} up`,
    `route add 10.6.99.${i} dev vetho${i} table 500`,
  ]).flat();
  execFileSync('ip', ['-n', node, '-batch', '-'], { input: others.join('\n') });
  const seen: number[] = [];
  const counted = new Proxy(site.namespaces.node, {
    get(target, key: keyof Namespaces['node']) {
      const member = target[key];
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const answer = (member as (...all: unknown[]) => unknown).apply(target, args);
        if (Array.isArray(answer)) seen.push(answer.length);
        return answer;
      };
    },
  });
  applyNetwork(plan([4, 6]), { ...site.namespaces, node: counted });
  assert.deepEqual(checkNetwork(plan([4, 6]), { ...site.namespaces, node: counted }), []);
  assert.ok(Math.max(...seen) < 20, `no dump of the node is longer than ${Math.max(...seen)} objects`);
});
