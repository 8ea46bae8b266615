import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parseCidr } from '#ip';
import { frontRules } from './front-rules.ts';
import type { PacketEntry } from './packet-entries.ts';
import { type SharedElement, sharedCommands, sharedElements } from './shared-elements.ts';
import { baseCommands, frontCommands } from './table-commands.ts';

const place = (address: string, port = 8080) => ({ address: parseAddress(address), port });

function entry(
  more: Partial<PacketEntry> & { ready?: readonly string[]; affinitySeconds?: number } = {},
): PacketEntry {
  const { ready = ['10.244.0.1', '10.244.1.1'], affinitySeconds = 0, ...rest } = more;
  return {
    frontend: { ...place('10.96.0.1', 80), protocol: 'TCP' },
    claim: 'ClusterIP',
    service: 'shop/web',
    backends: { ready: ready.map((address) => place(address)), draining: [], affinitySeconds },
    outside: undefined,
    sources: undefined,
    local: [],
    ...rest,
  };
}

const rulesOf = (one: PacketEntry) => [...frontRules(one).chains].map(([chain, rules]) => [chain, ...rules]);
const dnat = 'dnat ip to numgen random mod 2 map { 0 : 10.244.0.1 . 8080, 1 : 10.244.1.1 . 8080 }';
const T = 'inet orbweaver-services';
const mark = 'meta mark set meta mark | 0x4000';

test('packets to a ClusterIP are masqueraded unless they come from overlay pods', () => {
  assert.deepEqual(rulesOf(entry()), [
    [
      'tcp-10.96.0.1-80',
      'counter comment "shop/web"',
      `ip saddr != @inside4 ${mark}`,
      `meta l4proto tcp ${dnat}`,
    ],
  ]);
});

test('packets from outside are masqueraded, because another node may have the endpoint', () => {
  assert.deepEqual(rulesOf(entry({ claim: 'NodePort' }))[0]?.slice(2), [mark, `meta l4proto tcp ${dnat}`]);
});

test('with policy Local, senders outside keep their source, and senders inside get all endpoints', () => {
  assert.deepEqual(rulesOf(entry({ claim: 'outer', outside: [place('10.244.0.1')] }))[0]?.slice(2), [
    `ip saddr @inside4 meta l4proto tcp ${dnat}`,
    `fib saddr type local ${mark}`,
    `fib saddr type local meta l4proto tcp ${dnat}`,
    'meta l4proto tcp dnat ip to 10.244.0.1:8080',
  ]);
});

test('with affinity, each endpoint has a chain, and a set with its clients', () => {
  const [first, second, front] = rulesOf(entry({ affinitySeconds: 60 }));
  const [one, two] = ['tcp-10.96.0.1-80-to-10.244.0.1-8080', 'tcp-10.96.0.1-80-to-10.244.1.1-8080'];
  assert.deepEqual(first, [
    one,
    `update @${one} { ip saddr timeout 60s }`,
    'meta l4proto tcp dnat ip to 10.244.0.1:8080',
  ]);
  assert.equal(second?.[0], two);
  assert.deepEqual(front?.slice(3), [
    `ip saddr @${one} goto ${one}`,
    `ip saddr @${two} goto ${two}`,
    `numgen random mod 2 vmap { 0 : goto ${one}, 1 : goto ${two} }`,
  ]);
});

test('IPv6 has brackets where nft needs them, and no colon in names', () => {
  const six = entry({ ready: ['fd00::1'], frontend: { ...place('fd00:96::1', 53), protocol: 'UDP' } });
  assert.deepEqual(rulesOf(six)[0]?.slice(2), [
    `ip6 saddr != @inside6 ${mark}`,
    'meta l4proto udp dnat ip6 to [fd00::1]:8080',
  ]);
  assert.equal(frontRules(six).chain, 'udp-fd00_96__1-53');
});

test('a front without endpoints is refused; one whose endpoints are on other nodes drops what comes from outside', () => {
  assert.deepEqual([...frontRules(entry({ ready: [] })).enters], ['refused']);
  assert.deepEqual([...frontRules(entry({ ready: [], outside: [], claim: 'NodePort' })).enters], ['refused']);
  assert.deepEqual(
    [...frontRules(entry({ outside: [], claim: 'NodePort' })).enters],
    ['services', 'dropped'],
  );
});

test('only the named senders may use a restricted front', () => {
  const rules = frontRules(entry({ claim: 'outer', sources: [parseCidr('192.0.2.0/24')] }));
  assert.deepEqual([...rules.enters], ['services', 'firewall']);
  assert.deepEqual(rules.chains.get('from-tcp-10.96.0.1-80'), [
    'ip saddr 192.0.2.0/24 return',
    'counter drop comment "shop/web"',
  ]);
});

test('a front that goes leaves its maps before its chains are deleted', () => {
  const before = frontRules(entry({ affinitySeconds: 60, ready: ['10.244.0.1'] }));
  const member = 'tcp-10.96.0.1-80-to-10.244.0.1-8080';
  assert.deepEqual(frontCommands(before, undefined), [
    `add element ${T} services4 { 10.96.0.1 . tcp . 80 : goto tcp-10.96.0.1-80 }`,
    `delete element ${T} services4 { 10.96.0.1 . tcp . 80 : goto tcp-10.96.0.1-80 }`,
    `add chain ${T} tcp-10.96.0.1-80`,
    `flush chain ${T} tcp-10.96.0.1-80`,
    `add chain ${T} ${member}`,
    `flush chain ${T} ${member}`,
    `delete chain ${T} tcp-10.96.0.1-80`,
    `delete chain ${T} ${member}`,
    `add set ${T} ${member} { type ipv4_addr ; flags dynamic, timeout ; }`,
    `delete set ${T} ${member}`,
  ]);
});

test('each network of overlay pods is named', () => {
  const base = baseCommands(['10.244.0.0/16', 'fd00:244::/48'].map(parseCidr));
  assert.ok(base.includes(`add element ${T} inside4 { 10.244.0.0/16 }`));
  assert.ok(base.includes(`add element ${T} inside6 { fd00:244::/48 }`));
});

test('sets that fronts share get what is new and lose what is gone, and each element is named once', () => {
  const one = entry({ local: [place('10.244.0.1'), place('10.244.0.1', 9090)] });
  const door = entry({ claim: 'NodePort', local: [place('10.244.0.1')] });
  const before = [...sharedElements(one), ...sharedElements(door)];
  const element = '10.244.0.1 . 10.244.0.1';
  assert.deepEqual(sharedCommands([], before), [
    `add element ${T} self4 { ${element} }`,
    `add element ${T} clusterips4 { 10.96.0.1 }`,
  ]);
  assert.deepEqual(sharedCommands(before, sharedElements(door)), [
    `add element ${T} clusterips4 { 10.96.0.1 }`,
    `delete element ${T} clusterips4 { 10.96.0.1 }`,
  ]);
  assert.deepEqual(sharedCommands(before, before), []);
  const six: SharedElement = { set: 'clusterips6', text: 'fd00::1' };
  assert.deepEqual(sharedCommands(undefined, [six]), [
    ...['self4', 'self6', 'clusterips4', 'clusterips6'].map((set) => `flush set ${T} ${set}`),
    `add element ${T} clusterips6 { fd00::1 }`,
  ]);
});
