import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoordinatorConf, parseNetConf } from '#api';
import { completedCoordinator, macvlan, plugins } from './config-fixture.ts';

function coordinatorOf(block: object | undefined): Record<string, unknown> {
  const [, plugin = {}] = plugins({ ...macvlan, ...(block !== undefined && { coordinator: block }) });
  return plugin;
}

test('settings of the cluster are not overridden by settings that nobody wrote', () => {
  assert.deepEqual(coordinatorOf(undefined), { type: 'coordinator' });
  assert.deepEqual(coordinatorOf({}), { type: 'coordinator' });
  assert.deepEqual(coordinatorOf({ mode: 'overlay' }), { mode: 'overlay', type: 'coordinator' });
});

test('every setting of the block arrives, also podRPFilter and hostRuleTable', () => {
  const block = {
    mode: 'underlay',
    podCIDRType: 'none',
    hijackCIDR: ['169.254.25.10', '10.0.0.0/8'],
    policyRoutes: [{ dst: '10.9.0.0/16', gw: '10.6.0.1' }],
    podMACPrefix: '0a:1b',
    tunePodRoutes: false,
    podDefaultRouteNIC: 'net1',
    hostRuleTable: 600,
    podRPFilter: 2,
    txQueueLen: 100,
    vethLinkAddress: '169.254.100.1',
    vethMTU: 9000,
  };
  const plugin = coordinatorOf(block);
  assert.deepEqual(plugin, {
    txQueueLen: 100,
    vethLinkAddress: '169.254.100.1',
    vethMTU: 9000,
    tunePodRoutes: false,
    podMACPrefix: '0a:1b',
    mode: 'underlay',
    type: 'coordinator',
    podDefaultRouteNic: 'net1',
    podRPFilter: 2,
    hostRuleTable: 600,
    hijackCIDR: ['169.254.25.10', '10.0.0.0/8'],
    policyRoutes: [{ dst: '10.9.0.0/16', gw: '10.6.0.1' }],
  });
  const conf = parseCoordinatorConf(parseNetConf(JSON.stringify({ ...plugin, name: 'net' })));
  assert.deepEqual([conf.podRPFilter, conf.hostRuleTable, conf.podMACPrefix], [2, 600, '0a:1b']);
});

test('explicit zeros arrive, because they override the cluster', () => {
  const plugin = coordinatorOf({ podRPFilter: 0, txQueueLen: 0, hostRuleTable: 500 });
  assert.deepEqual(plugin, { txQueueLen: 0, type: 'coordinator', podRPFilter: 0, hostRuleTable: 500 });
});

test('a negative podRPFilter arrives as -1, and `disabled` as `disable`, which the plugins read', () => {
  const plugin = coordinatorOf({ podRPFilter: -7, mode: 'disabled' });
  assert.deepEqual(plugin, { mode: 'disable', type: 'coordinator', podRPFilter: -1 });
});

test('defaults that Spiderpool’s webhook filled in are passed on as there, and what the user set is too', () => {
  const passedOn = { txQueueLen: 0, tunePodRoutes: true, mode: 'auto', type: 'coordinator' };
  assert.deepEqual(coordinatorOf(completedCoordinator), passedOn);
  assert.deepEqual(coordinatorOf({ ...completedCoordinator, podRPFilter: 1, hostRuleTable: 600 }), {
    ...passedOn,
    podRPFilter: 1,
    hostRuleTable: 600,
  });
});
