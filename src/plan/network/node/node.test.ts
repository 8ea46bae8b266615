import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleText } from '../state/text.ts';
import { planNode } from './node.ts';

const input = {
  advertisedLinks: ['ens1'],
  filteringLinks: ['vxlan.calico'],
  families: [4, 6],
  hostRuleTable: 500,
  tuneSysctls: true,
} as const;

test('the node’s sysctls are Spiderpool’s; links with router advertisements keep them before forwarding is on, and strict links become loose', () => {
  assert.deepEqual(
    planNode(input).sysctls.map(({ key, value, atLeast }) => `${key} ${atLeast ? 'at least ' : ''}${value}`),
    [
      'ipv4/neigh/default/gc_thresh3 at least 28160',
      'ipv6/neigh/default/gc_thresh3 at least 28160',
      'ipv4/conf/all/arp_notify 1',
      'ipv4/conf/all/forwarding 1',
      'ipv6/conf/ens1/accept_ra 2',
      'ipv6/conf/all/forwarding 1',
      'ipv4/conf/all/rp_filter 0',
      'ipv4/conf/vxlan.calico/rp_filter 2',
    ],
  );
});

test('tuneSysctlConfig false changes no sysctl of the node, and the rule for the pods’ table stays', () => {
  const { sysctls, rules } = planNode({ ...input, tuneSysctls: false });
  assert.deepEqual([sysctls, rules.map(ruleText)], [[], Array(2).fill('1000: from all lookup 500')]);
});

test('the rule leads to hostRuleTable', () => {
  const rules = planNode({ ...input, families: [4], hostRuleTable: 600 }).rules.map(ruleText);
  assert.deepEqual(rules, ['1000: from all lookup 600']);
});
