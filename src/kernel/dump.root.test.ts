// What our dumps say of real namespaces is what `ip -j -d` and `nft -j` print.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Cidr, formatAddress, formatCidr, parseAddress, parseCidr } from '#ip';
import type { LinkSpec, NetworkNamespace, Route } from '#net';
import { createNetns, openNamespace, primeThreads, removeNetns } from './index.ts';

const path = `/run/netns/ow-dump-${process.pid}`;
type Row = Record<string, unknown>;

/** `ip -n … -j -d`, which prints nothing at all for an empty list. */
function ip(...args: string[]): Row[] {
  const inside = ['-n', path.replace('/run/netns/', ''), '-j', '-d', ...args];
  return JSON.parse(execFileSync('ip', inside, { encoding: 'utf8' }) || '[]') as Row[];
}

function ipTool(...args: string[]): void {
  execFileSync('ip', ['-n', path.replace('/run/netns/', ''), ...args]);
}

const destination = (cidr: Cidr) =>
  cidr.prefixLength === 0 ? 'default' : formatCidr(cidr).replace(/\/(32|128)$/, '');

describe('dumps of a namespace', () => {
  let namespace: NetworkNamespace;

  before(async () => {
    await primeThreads();
    createNetns(path).close();
    ipTool('link', 'set', 'lo', 'up');
    ipTool('link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1');
    ipTool('link', 'add', 'br0', 'type', 'bridge');
    ipTool('link', 'set', 'veth1', 'master', 'br0', 'alias', 'port of br0');
    ipTool('link', 'add', 'mv0', 'link', 'veth0', 'mtu', '1400', 'type', 'macvlan', 'mode', 'bridge');
    for (const dev of ['veth0', 'veth1', 'br0', 'mv0']) ipTool('link', 'set', dev, 'up');
    ipTool('addr', 'add', '10.6.0.1/16', 'dev', 'veth0');
    ipTool('addr', 'add', '10.6.0.2/16', 'dev', 'veth0', 'noprefixroute');
    ipTool('addr', 'add', '10.7.0.1', 'peer', '10.7.0.2/32', 'dev', 'br0');
    ipTool('addr', 'add', 'fd00::1/64', 'dev', 'veth0', 'nodad');
    ipTool(
      'route',
      'add',
      'default',
      'via',
      '10.6.0.254',
      'dev',
      'veth0',
      'src',
      '10.6.0.1',
      'metric',
      '50',
      'mtu',
      '1300',
    );
    ipTool(
      'route',
      'add',
      '10.99.0.0/16',
      'nexthop',
      'via',
      '10.6.0.3',
      'weight',
      '2',
      'nexthop',
      'via',
      '10.6.0.4',
      'dev',
      'veth0',
      'onlink',
    );
    ipTool(
      'route',
      'add',
      '10.98.0.0/16',
      'via',
      'inet6',
      'fd00::9',
      'dev',
      'veth0',
      'table',
      '1000',
      'proto',
      '79',
    );
    ipTool('route', 'add', 'blackhole', '10.97.0.0/16', 'table', '100');
    ipTool(
      '-6',
      'route',
      'add',
      'fd77::/48',
      'nexthop',
      'via',
      'fd00::3',
      'dev',
      'veth0',
      'nexthop',
      'via',
      'fd00::4',
      'dev',
      'veth0',
      'weight',
      '3',
    );
    ipTool('-6', 'route', 'add', 'default', 'via', 'fd00::254', 'dev', 'veth0');
    ipTool(
      'rule',
      'add',
      'pref',
      '1000',
      'from',
      '10.6.0.1',
      'fwmark',
      '0x10/0xff',
      'iif',
      'br0',
      'table',
      '1000',
      'protocol',
      '79',
    );
    ipTool('-6', 'rule', 'add', 'pref', '1001', 'to', 'fd00::/64', 'table', '500');
    ipTool(
      'rule',
      'add',
      'not',
      'fwmark',
      '0x0/0x2',
      'pref',
      '1002',
      'table',
      '500',
      'suppress_prefixlength',
      '0',
    );
    ipTool('rule', 'add', 'pref', '1003', 'ipproto', 'tcp', 'dport', '80', 'table', '500');
    ipTool('neigh', 'add', '10.6.0.9', 'lladdr', '0a:00:00:00:00:09', 'dev', 'veth0', 'protocol', '79');
    ipTool('neigh', 'add', 'fd00::9', 'lladdr', '0a:00:00:00:00:09', 'dev', 'veth0', 'nud', 'permanent');
  });
  after(() => {
    namespace?.close();
    removeNetns(path);
  });
  beforeEach(() => {
    namespace?.close();
    namespace = openNamespace(path);
  });

  test('links', () => {
    const links = namespace.links();
    const nameOf = (index: number | undefined) => links.find((link) => link.index === index)?.name;
    assert.deepEqual(
      links.map((link) => ({
        index: link.index,
        name: link.name,
        mac: link.mac,
        mtu: link.mtuBytes,
        up: link.up,
        carrier: link.carrier,
        kind: link.kind,
        master: nameOf(link.masterIndex),
        queue: link.txQueueLength,
        parent: nameOf(link.linkIndex),
        alias: link.alias,
      })),
      ip('link').map((row) => ({
        index: row.ifindex,
        name: row.ifname,
        mac: row.address,
        mtu: row.mtu,
        up: (row.flags as string[]).includes('UP'),
        carrier: (row.flags as string[]).includes('LOWER_UP'),
        kind: (row.linkinfo as Row | undefined)?.info_kind,
        master: row.master,
        queue: row.txqlen,
        parent: row.link,
        alias: row.ifalias,
      })),
    );
  });

  test('addresses, narrowed to a link too', () => {
    const printed = (dev: string[]) =>
      ip('addr', 'show', ...dev).flatMap((row) =>
        (row.addr_info as Row[]).map((info) =>
          [
            row.ifname,
            `${info.local}/${info.prefixlen}`,
            info.scope,
            info.noprefixroute ?? false,
            info.nodad ?? false,
          ].join(' '),
        ),
      );
    const ours = (dev?: string) =>
      namespace
        .addresses(dev === undefined ? {} : { dev })
        .map((each) =>
          [
            each.dev,
            formatCidr(each.address),
            each.scope,
            each.noPrefixRoute ?? false,
            each.noDad ?? false,
          ].join(' '),
        );
    assert.deepEqual(ours().sort(), printed([]).sort());
    assert.deepEqual(ours('veth0').sort(), printed(['dev', 'veth0']).sort());
    assert.ok(ours('veth0').length >= 3);
  });

  test('routes of all tables, types and shapes', () => {
    const hop = (dev: unknown, gateway: unknown) => [dev, gateway].join(' ');
    const ours = namespace.routes().map((each: Route) => ({
      destination: destination(each.destination),
      type: each.type,
      dev: each.dev,
      gateway: each.gateway && formatAddress(each.gateway),
      source: each.source && formatAddress(each.source),
      metric: each.metric,
      table: each.table,
      hops: each.nextHops?.map(
        (next) => `${hop(next.dev, next.gateway && formatAddress(next.gateway))} ${next.weight}`,
      ),
    }));
    const printed = [
      ...ip('-4', '-N', 'route', 'show', 'table', 'all'),
      ...ip('-6', '-N', 'route', 'show', 'table', 'all'),
    ].map((row) => ({
      destination: row.dst,
      type: row.type,
      dev: row.dev,
      gateway: row.gateway ?? (row.via as Row | undefined)?.host,
      source: row.prefsrc,
      metric: row.metric,
      table: Number(row.table ?? 254),
      hops: (row.nexthops as Row[] | undefined)?.map(
        (next) => `${hop(next.dev, next.gateway)} ${next.weight}`,
      ),
    }));
    const sorted = (rows: object[]) => rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort();
    assert.deepEqual(
      sorted(ours.map((row) => ({ ...row, type: numbered(row.type) }))),
      sorted(printed.map((row) => ({ ...row, type: String(row.type) }))),
    );
    const gateway = ours.find((each) => each.destination === 'default' && each.source !== undefined);
    assert.deepEqual([gateway?.gateway, gateway?.metric], ['10.6.0.254', 50]);
    assert.equal(namespace.routes({ family: 4 }).find((each) => each.mtuBytes !== undefined)?.mtuBytes, 1300);
  });

  test('routes narrowed by table and by link', () => {
    assert.deepEqual(
      namespace.routes({ table: 1000 }).map((each) => destination(each.destination)),
      ['10.98.0.0/16'],
    );
    const onBridge = namespace.routes({ dev: 'br0', family: 4 }).map((each) => destination(each.destination));
    assert.deepEqual(onBridge.sort(), ['10.7.0.1', '10.7.0.2']);
  });

  test('the dump of a link that disappears meanwhile is empty', () => {
    const going = openNamespace(path);
    const there = going.link('veth0');
    Object.defineProperty(going, 'link', { value: () => ({ ...there, index: 9999 }) });
    const filter = { dev: 'veth0' };
    const dumps = [
      going.routes({ table: 254, dev: 'veth0' }),
      going.addresses(filter),
      going.neighbours(filter),
    ];
    assert.deepEqual(dumps, [[], [], []]);
    going.close();
  });

  test('rules', () => {
    const printed = [...ip('-N', 'rule'), ...ip('-N', '-6', 'rule')].map((row) => [
      row.priority,
      Number(row.table),
    ]);
    assert.deepEqual(
      namespace.rules().map((each) => [each.priority, each.table]),
      printed,
    );
    const ours = namespace.rules(4).find((each) => each.priority === 1000);
    assert.deepEqual(ours, {
      family: 4,
      priority: 1000,
      table: 1000,
      protocol: 79,
      from: parseCidr('10.6.0.1/32'),
      mark: { value: 0x10, mask: 0xff },
      inputDev: 'br0',
    });
    const [inverted, unread] = [1002, 1003].map((pref) =>
      namespace.rules(4).find((each) => each.priority === pref),
    );
    assert.deepEqual(inverted, {
      ...{ family: 4, priority: 1002, table: 500, protocol: 0 },
      mark: { value: 0, mask: 2 },
      inverted: true,
      suppressPrefixLength: 0,
    });
    assert.deepEqual(unread?.unread, ['dport']);
    assert.equal(unread?.ipProtocol, 6);
  });

  test('neighbours', () => {
    const printed = ip('neigh', 'show', 'nud', 'all').filter((row) => (row.state as string[])[0] !== 'NOARP');
    const ours = namespace.neighbours().filter((each) => each.state !== 'noarp');
    assert.deepEqual(
      ours.map((each) => [formatAddress(each.address), each.dev, each.mac, each.state.toUpperCase()]).sort(),
      printed.map((row) => [row.dst, row.dev, row.lladdr, (row.state as string[])[0]]).sort(),
    );
  });

  test('the route that the kernel chooses is read', () => {
    const [printed] = ip('route', 'get', '10.99.1.1');
    const ours = namespace.routeTo(parseAddress('10.99.1.1'));
    assert.deepEqual([ours.dev, ours.source && formatAddress(ours.source)], [printed?.dev, printed?.prefsrc]);
    assert.equal(
      formatAddress(namespace.routeTo(parseAddress('fd88::1')).gateway ?? parseAddress('::')),
      'fd00::254',
    );
  });

  test('an nftables transaction works: nft -j prints its table, and its errors have the words of nft', () => {
    namespace.nft(
      'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c tcp dport 80 counter accept',
    );
    const printed = execFileSync('ip', [
      'netns',
      'exec',
      path.replace('/run/netns/', ''),
      'nft',
      '-j',
      'list',
      'table',
      'inet',
      't',
    ]);
    assert.deepEqual(namespace.nftTable('inet', 't'), JSON.parse(printed.toString()));
    assert.throws(
      () => namespace.nft('add table inet u; add rule inet u none accept'),
      /No such file or directory/,
    );
    assert.equal(namespace.nftTable('inet', 'u'), undefined, 'half of a transaction must not stay');
  });

  test('the rules of one nftables table are read by chain and comment, whatever else the namespace has', () => {
    namespace.nft(
      'add table inet r; add chain inet r a; add chain inet r b; add rule inet r a accept comment "one"; add rule inet r b drop; add rule inet r b counter comment "two"',
    );
    namespace.nft('add table ip r; add chain ip r a; add rule ip r a accept comment "of another family"');
    assert.deepEqual(namespace.nftRules('r'), [
      { chain: 'a', comment: 'one' },
      { chain: 'b', comment: undefined },
      { chain: 'b', comment: 'two' },
    ]);
    assert.deepEqual(namespace.nftRules('absent'), []);
  });

  test('a sysctl belongs to its namespace, and its key cannot lead elsewhere', () => {
    namespace.setSysctl('ipv4/conf/veth0/rp_filter', '2');
    const printed = execFileSync('ip', [
      'netns',
      'exec',
      path.replace('/run/netns/', ''),
      'cat',
      '/proc/sys/net/ipv4/conf/veth0/rp_filter',
    ]);
    assert.equal(namespace.sysctl('ipv4/conf/veth0/rp_filter'), printed.toString().trim());
    assert.equal(namespace.sysctl('ipv4/conf/none/rp_filter'), undefined);
    assert.throws(() => namespace.sysctl('../kernel/hostname'), { code: 'INPUT_INVALID' });
    assert.throws(() => namespace.setSysctl('ipv4/conf/none/rp_filter', '1'), { said: /^ENOENT/ });
  });

  test('a thousand openings, reads, refusals and closings leak no descriptor', () => {
    const used = () => readdirSync('/proc/self/fd').length;
    const once = () => {
      const opened = openNamespace(path);
      opened.links();
      assert.throws(() => opened.change([{ verb: 'delete', kind: 'link', name: 'none' }]));
      opened.close();
      opened.close();
    };
    once();
    const before = used();
    for (let i = 0; i < 1000; i++) once();
    assert.throws(() => openNamespace('/proc/self/ns/none'), { code: 'KERNEL_REFUSED' });
    assert.throws(() => openNamespace('/proc/self/ns/uts'), { said: /^EINVAL/ });
    assert.equal(used(), before);
  });

  test('link kinds that this kernel may lack are made, or refused with EOPNOTSUPP', (t) => {
    const specs: LinkSpec[] = [
      {
        name: 'x0',
        type: {
          kind: 'vxlan',
          vni: 7,
          port: 4789,
          local: parseAddress('10.6.0.1'),
          parent: 'veth0',
          learning: false,
        },
      },
      { name: 'x1', type: { kind: 'vlan', parent: 'veth0', vlanId: 7 } },
      { name: 'x2', type: { kind: 'ipvlan', parent: 'veth0', mode: 'l2' } },
      { name: 'x3', type: { kind: 'dummy' } },
      { name: 'x4', type: { kind: 'bond', mode: 4, options: { lacp_rate: 'fast', miimon: 100 } } },
      { name: 'x5', type: { kind: 'macvlan', parent: 'veth0', mode: 'private' } },
    ];
    for (const link of specs) {
      try {
        namespace.change([{ verb: 'create', kind: 'link', link }]);
      } catch (error) {
        assert.match(String((error as { said?: string }).said), /^EOPNOTSUPP|Device or resource busy/);
        t.diagnostic(`this kernel makes no ${link.type.kind}: ${(error as Error).message}`);
        continue;
      }
      assert.equal(namespace.link(link.name)?.kind, link.type.kind);
      namespace.change([{ verb: 'delete', kind: 'link', name: link.name }]);
    }
  });
});

/** `ip -N` prints types as numbers: RTN_UNICAST = 1 and so on (rtnetlink.h). */
function numbered(type: Route['type']): string {
  const names = [
    'unicast',
    'local',
    'broadcast',
    'anycast',
    'multicast',
    'blackhole',
    'unreachable',
    'prohibit',
    'throw',
  ];
  return String(names.indexOf(type) + 1);
}
