import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoordinatorConf, parseNetConf, parseVethHostConf } from '#api';
import { coordinatorOfVethHost } from './veth-host.ts';

const netConf = (options: object) =>
  parseNetConf(JSON.stringify({ cniVersion: '0.3.1', name: 'cni0', type: 'veth-host', ...options }));
const translate = (options: object) => coordinatorOfVethHost(parseVethHostConf(netConf(options)));

const plain = { mode: 'auto', serviceCIDR: [], ipMasq: false };
/** The configuration of the page of yaoice/meliodas about veth-host. */
const published = {
  serviceCidr: '172.20.252.0/22',
  hostInterface: 'enp1s0',
  containerInterface: 'veth0',
  ipMasq: true,
};

const table: [options: object, said: object][] = [
  [{}, plain],
  [published, { ...plain, serviceCIDR: ['172.20.252.0/22'], ipMasq: true }],
  [
    { serviceCidr: ' 10.96.0.0/12, fd00:10:96::/112' },
    { ...plain, serviceCIDR: ['10.96.0.0/12', 'fd00:10:96::/112'] },
  ],
  [{ serviceCidr: '' }, plain],
  [{ mtu: 1450 }, { ...plain, vethMTU: 1450 }],
  [{ mtu: 0 }, plain],
  [{ routeTableStart: 256, nodePortMark: 8192, nodePorts: '30000:32767' }, plain],
];

for (const [options, said] of table) {
  test(`veth-host ${JSON.stringify(options)} is translated into options of the coordinator`, () => {
    const translated = translate(options);
    assert.deepEqual(translated, said);
    // What comes out, the coordinator takes.
    const taken = parseCoordinatorConf({ ...netConf({}), ...translated, type: 'coordinator' });
    assert.equal(taken.ipMasq, translated.ipMasq);
  });
}

const wrong: [options: object, message: RegExp][] = [
  [{ serviceCidr: ['10.96.0.0/12'] }, /veth-host configuration: serviceCidr: .* must be of type string/],
  [{ serviceCidr: '10.96.0.0/40' }, /serviceCidr\[0\]: "10\.96\.0\.0\/40" must be a network or an address/],
  [{ containerInterface: 'eth1' }, /containerInterface: "eth1" must be veth0: the pod's end/],
  [{ hostInterface: 'a b' }, /hostInterface: "a b" must be the name of an interface/],
  [{ ipMasq: 'yes' }, /ipMasq: "yes" must be of type boolean/],
  [{ mtu: 60 }, /mtu: 60 must be 68 to 65535/],
  [{ nodePorts: 'all' }, /nodePorts: "all" must be a range of ports/],
  [{ nodePortMark: '0x2000' }, /nodePortMark: "0x2000" must be of type/],
];

for (const [options, message] of wrong) {
  test(`veth-host ${JSON.stringify(options)} is refused with the name of the field`, () => {
    assert.throws(() => translate(options), { code: 'INPUT_INVALID', message });
  });
}
