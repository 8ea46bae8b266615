import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calico, macvlan, node4, node6, plan } from '../pod/golden-fixture.ts';

const netConf = { ipMasq: true };
const chainOf = (network: ReturnType<typeof plan>) =>
  network.node.table?.rules.filter(({ chain }) => chain === 'service-masquerade') ?? [];
const rulesIn = (network: ReturnType<typeof plan>) =>
  chainOf(network).map(
    ({ commands }) => /^add rule inet orbweaver service-masquerade (.*) comment/m.exec(commands)?.[1],
  );

test('with ipMasq the node masquerades what the pod sends to Services, in both families', () => {
  assert.deepEqual(rulesIn(plan([macvlan('eth0', 6, '212.241', [4, 6], { netConf })])), [
    'iifname "veth*" ct status dnat ip saddr 10.6.0.0/16 masquerade',
    'iifname "veth*" ct status dnat ip6 saddr fd00:10:6::/64 masquerade',
  ]);
});

test('pods of one network share the rule', () => {
  const [one, other] = ['212.241', '212.7'].map((host) =>
    chainOf(plan([macvlan('eth0', 6, host, [4], { netConf })])),
  );
  assert.deepEqual(one, other);
  assert.equal(one?.length, 1);
});

test('without ipMasq, and where an overlay leads to the node, there is no such rule', () => {
  assert.deepEqual(rulesIn(plan([macvlan('eth0', 6, '212.241', [4, 6])])), []);
  const beside = [macvlan('net1', 7, '168.173', [4], { table: 101, netConf })];
  assert.deepEqual(rulesIn(plan(beside, calico, [node4, node6])), []);
});
