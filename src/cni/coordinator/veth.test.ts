import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoordinatorConf, parseNetConf, parseVethConf } from '#api';
import { coordinatorOfVeth } from './veth.ts';

const netConf = (options: object) =>
  parseNetConf(JSON.stringify({ cniVersion: '0.3.1', name: 'net', type: 'veth', ...options }));
const translate = (options: object) => coordinatorOfVeth(parseVethConf(netConf(options)));

/** What a configuration with no option says: 0.1's defaults. */
const plain = {
  mode: 'auto',
  overlayPodCIDR: [],
  serviceCIDR: [],
  hijackCIDR: [],
  podMACPrefix: '',
  tunePodRoutes: true,
  podRPFilter: 0,
};
/** The same of 0.2, which one of its own names tells. */
const second = { ...plain, podRPFilter: 2 };

const table: [options: object, said: object][] = [
  [{}, plain],
  [{ service_cidr: ['10.96.0.0/12'] }, { ...plain, serviceCIDR: ['10.96.0.0/12'] }],
  [
    { SERVICE_CIDR: [' 10.96.0.0/12 ', 'fd00:10:96::/112'], cluster_cidr: ['10.244.0.0/16'] },
    {
      ...plain,
      serviceCIDR: ['10.96.0.0/12', 'fd00:10:96::/112'],
      overlayPodCIDR: ['10.244.0.0/16'],
    },
  ],
  [{ additional_cidr: ['172.20.0.0/16'] }, { ...plain, hijackCIDR: ['172.20.0.0/16'] }],
  [{ hardware_prefix: '0a:1b' }, { ...plain, podMACPrefix: '0a:1b' }],
  [{ only_hardware: false }, plain],
  [{ move_routes: 0 }, plain],
  [{ move_routes: 1 }, plain],
  [{ move_routes: 2 }, { ...plain, tunePodRoutes: false }],
  [{ rp_filter: { enabled: false } }, plain],
  [{ rp_filter: { enabled: true, value: 1 } }, { ...plain, podRPFilter: 1 }],
  [
    { log_options: { log_level: 'debug', log_file: '/var/log/spider-io/veth.log', log_max_size: 100 } },
    plain,
  ],
  [
    { service_hijack_subnet: ['10.233.0.0/18'], overlay_hijack_subnet: ['10.244.0.0/16'] },
    { ...second, serviceCIDR: ['10.233.0.0/18'], overlayPodCIDR: ['10.244.0.0/16'] },
  ],
  [{ additional_hijack_subnet: ['172.20.0.0/16'] }, { ...second, hijackCIDR: ['172.20.0.0/16'] }],
  [{ mac_prefix: '0A:1B' }, { ...second, podMACPrefix: '0A:1B' }],
  [{ migrate_route: -1 }, plain],
  [{ migrate_route: 1 }, plain],
  [{ migrate_route: 0 }, { ...plain, tunePodRoutes: false }],
  [
    { additional_hijack_subnet: [], rp_filter: { set_host: true, value: 0 } },
    { ...second, podRPFilter: 0 },
  ],
  [{ skip_call: true }, { ...plain, mode: 'disable' }],
  [{ ip_conflict: { enabled: true, interval: '1s', retries: 5 } }, { ...second, detectIPConflict: true }],
  [{ ip_conflict: {} }, { ...second, detectIPConflict: false }],
];

for (const [options, said] of table) {
  test(`veth ${JSON.stringify(options)} is translated into options of the coordinator`, () => {
    const translated = translate(options);
    assert.deepEqual(translated, said);
    // What comes out, the coordinator takes.
    parseCoordinatorConf({ ...netConf({}), ...translated, type: 'coordinator' });
  });
}

const wrong: [options: object, message: RegExp][] = [
  [
    { service_cidr: '10.96.0.0/12' },
    /veth configuration: service_cidr: "10\.96\.0\.0\/12" must be of type array/,
  ],
  [
    { service_cidr: ['10.96.0.0/40'] },
    /service_cidr\[0\]: "10\.96\.0\.0\/40" must be a network or an address/,
  ],
  [{ cluster_cidr: ['pods'] }, /cluster_cidr\[0\]: "pods" must be a network/],
  [{ additional_hijack_subnet: [5] }, /additional_hijack_subnet\[0\]: 5 must be of type string/],
  [
    { hardware_prefix: '0b:1' },
    /hardware_prefix: "0b:1" must be the first two bytes of a unicast MAC address/,
  ],
  [{ mac_prefix: '01:00' }, /mac_prefix: "01:00" must be the first two bytes of a unicast MAC address/],
  [{ only_hardware: true }, /only_hardware: true must be false/],
  [{ only_op_mac: true }, /only_op_mac: true must be false/],
  [{ move_routes: 3 }, /move_routes: 3 is not one of 0, 1, 2/],
  [{ migrate_route: 2 }, /migrate_route: 2 is not one of -1, 0, 1/],
  [{ rp_filter: { value: 7 } }, /rp_filter\.value: 7 is not one of 0, 1, 2/],
  [{ rp_filter: 2 }, /rp_filter: 2 must be of type object/],
  [{ skip_call: 'no' }, /skip_call: "no" must be of type boolean/],
  [{ ip_conflict: { enabled: 1 } }, /ip_conflict\.enabled: 1 must be of type boolean/],
];

for (const [options, message] of wrong) {
  test(`veth ${JSON.stringify(options)} is refused with the name of the field`, () => {
    assert.throws(() => translate(options), { code: 'INPUT_INVALID', message });
  });
}
