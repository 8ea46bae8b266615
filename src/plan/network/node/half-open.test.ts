import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import { macvlan, node4, node6 } from '../pod/golden-fixture.ts';
import { planPod } from '../pod/pod.ts';
import type { CoordinatorOptions } from '../settings/settings.ts';

function nodeTable(families: readonly (4 | 6)[], netConf: CoordinatorOptions, host = '212.241') {
  return planPod({
    containerId: `${host}0123456789abcdef`,
    nics: [macvlan('eth0', 6, host, families, { netConf })],
    nodeAddresses: [node4, node6, parseAddress('10.6.212.102')],
  }).node.table;
}

const dual = { overlayPodCIDR: ['10.233.64.0/18', 'fd00:ca::/64', '10.100.0.0/16'] };

test('only packets of half-seen connections to overlay pods bypass conntrack', () => {
  const [four, six, ...more] = nodeTable([4, 6], dual)?.rules ?? [];
  assert.deepEqual(more, []);
  assert.match(
    four?.commands ?? '',
    /^add rule inet orbweaver forward ct state invalid meta iifkind \{ "veth", "netkit" \} ip daddr \{ 10\.100\.0\.0\/16, 10\.233\.64\.0\/18 \} ip saddr != \{ 10\.100\.0\.0\/16, 10\.233\.64\.0\/18 \} notrack comment "orbweaver \w+"$/m,
  );
  assert.match(six?.commands ?? '', /ip6 daddr \{ fd00:ca::\/64 \} ip6 saddr != \{ fd00:ca::\/64 \} notrack/);
});

test('every pod needs the same rules of its node, whatever the order of the networks', () => {
  const reversed = { overlayPodCIDR: dual.overlayPodCIDR.toReversed() };
  assert.deepEqual(nodeTable([4, 6], reversed, '212.7'), nodeTable([4, 6], dual));
});

test('the rule belongs to the node and stays when a pod leaves', () => {
  assert.equal(nodeTable([4], dual)?.owner, 'node');
});

test('packets to Services and the user’s networks stay with conntrack, which must translate them', () => {
  const table = nodeTable([4], { ...dual, serviceCIDR: ['10.96.0.0/12'], hijackCIDR: ['192.0.2.0/24'] });
  const commands = table?.rules.map((rule) => rule.commands).join('') ?? '';
  assert.doesNotMatch(commands, /10\.96|192\.0\.2|fd00/);
});
