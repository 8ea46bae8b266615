import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoordinatorConf, parseNetConf, parseRouterConf } from '#api';
import { coordinatorOfRouter } from './router.ts';

const netConf = (options: object) =>
  parseNetConf(JSON.stringify({ cniVersion: '0.3.1', name: 'net', type: 'router', ...options }));
const translate = (options: object) => coordinatorOfRouter(parseRouterConf(netConf(options)), 'net1');

/** What a configuration with no option says. */
const plain = {
  mode: 'overlay',
  podDefaultCniNic: 'eth0',
  overlayPodCIDR: undefined,
  serviceCIDR: undefined,
  hijackCIDR: [],
  podMACPrefix: undefined,
  tunePodRoutes: true,
  podDefaultRouteNic: 'net1',
  podRPFilter: 2,
};
const { podDefaultRouteNic: _, ...stays } = { ...plain, tunePodRoutes: false };

const table: [options: object, said: object][] = [
  [{}, plain],
  [
    {
      service_hijack_subnet: ['10.233.0.0/18'],
      overlay_hijack_subnet: ['10.244.0.0/16', 'fd00:10:244::/56'],
    },
    { ...plain, serviceCIDR: ['10.233.0.0/18'], overlayPodCIDR: ['10.244.0.0/16', 'fd00:10:244::/56'] },
  ],
  [{ additional_hijack_subnet: ['172.20.0.0/16'] }, { ...plain, hijackCIDR: ['172.20.0.0/16'] }],
  [{ routes: [{ dst: '10.244.0.0/16' }] }, { ...plain, hijackCIDR: ['10.244.0.0/16'] }],
  [{ migrate_route: 1 }, plain],
  [{ migrate_route: 0 }, stays],
  [{ hijack_overlay_response: false }, stays],
  [{ overlay_interface: '' }, plain],
  [{ overlay_interface: 'cali0' }, { ...plain, podDefaultCniNic: 'cali0' }],
  [{ host_rule_table: 600 }, { ...plain, hostRuleTable: 600 }],
  [{ mac_prefix: '0a:1b' }, { ...plain, podMACPrefix: '0a:1b' }],
  [{ sriov: true }, plain],
  [{ rp_filter: { set_host: true, value: 0 } }, { ...plain, podRPFilter: 0 }],
  [{ skip_call: true }, { ...plain, mode: 'disable' }],
  [{ ip_conflict: { enabled: true } }, { ...plain, detectIPConflict: true }],
];

for (const [options, said] of table) {
  test(`router ${JSON.stringify(options)} is translated into options of the coordinator`, () => {
    const translated = translate(options);
    assert.deepEqual(translated, said);
    parseCoordinatorConf({ ...netConf({}), ...translated, type: 'coordinator' });
  });
}

const wrong: [options: object, message: RegExp][] = [
  [
    { overlay_interface: 'a/b' },
    /router configuration: overlay_interface: "a\/b" must be the name of an interface/,
  ],
  [{ host_rule_table: 0 }, /host_rule_table: 0 must be at least 1/],
  [{ routes: [{ dst: 'x' }] }, /routes\[0\]\.dst: "x" must be a network/],
  [{ only_op_mac: true, mac_prefix: '0a:1b' }, /only_op_mac: true must be false/],
  [{ service_hijack_subnet: ['10.0.0.0/99'] }, /service_hijack_subnet\[0\]: "10\.0\.0\.0\/99" must be/],
];

for (const [options, message] of wrong) {
  test(`router ${JSON.stringify(options)} is refused with the name of the field`, () => {
    assert.throws(() => translate(options), { code: 'INPUT_INVALID', message });
  });
}
