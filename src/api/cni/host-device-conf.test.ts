import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostDeviceConf } from './host-device-conf.ts';
import { parseNetConf } from './net-conf.ts';

const read = (conf: object) =>
  parseHostDeviceConf(
    parseNetConf(JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'host-device-plus', ...conf })),
  );
const nic = (conf: object) => {
  const { from } = read(conf);
  return from.is === 'node' ? `${from.nic.key} ${from.nic.value} ${from.addressesOf ?? ''}`.trim() : from.is;
};
const neutron = (neutronConf: object, more = {}) => ({ ipam: { type: 'neutron', neutronConf, ...more } });

test('a NIC is named by the keys of the reference plugin', () => {
  assert.equal(nic({ device: 'eth1', ipam: {} }), 'device eth1');
  assert.equal(nic({ hwaddr: '02-00-5E-00-00-01', device: '' }), 'hwaddr 02:00:5e:00:00:01');
  const path = '/sys/devices/pci0000:00/0000:00:05.0';
  assert.equal(nic({ kernelpath: path, ipam: { type: 'spiderpool' } }), `kernelpath ${path} spiderpool`);
  assert.equal(nic({ pciBusID: '0000:3b:02.1' }), 'pciBusID 0000:3b:02.1');
});

test('the device that a device plugin has given to the pod comes first', () => {
  assert.equal(nic({ device: 'eth1', runtimeConfig: { deviceID: '0000:3b:02.2' } }), 'pciBusID 0000:3b:02.2');
  assert.equal(nic({ device: 'eth1', runtimeConfig: { deviceID: '' } }), 'device eth1');
  assert.throws(
    () => nic({ runtimeConfig: { deviceID: '../x' } }),
    /pciBusID: "\.\.\/x" must be the address/,
  );
});

test('a NIC of the cloud is asked for by a mode, and the older word for it', () => {
  assert.equal(nic(neutron({ mode: 'nic' })), 'cloud');
  assert.equal(nic(neutron({ mode: 'eni', networks: ['a'], securityGroups: ['g'] })), 'cloud');
  assert.equal(nic({ device: 'eth1', ...neutron({ mode: 'fixed-ips' }) }), 'device eth1 neutron');
});

for (const [conf, message] of [
  [{}, /no NIC is named: give one of device, hwaddr, kernelpath, pciBusID, or ipam\.type neutron/],
  [{ device: 'eth1', hwaddr: '02:00:00:00:00:01' }, /device and hwaddr choose a NIC: give one of them/],
  [{ device: 'eth1', ...neutron({ mode: 'nic' }) }, /device and ipam\.neutronConf\.mode choose a NIC/],
  [{ device: 'a/b' }, /device: "a\/b" must be the name of an interface/],
  [{ hwaddr: '02:00' }, /hwaddr: "02:00" must be a hardware address/],
  [
    { kernelpath: '/sys/devices/../class' },
    /kernelpath: .* must be the path of a device below \/sys\/devices/,
  ],
  [{ kernelpath: '/etc' }, /kernelpath: "\/etc" must be the path/],
  [{ device: 'eth1', mtu: 10 }, /mtu: 10 must be 68 to 65536/],
  [neutron({ mode: 'nic', networks: ['a', 'b'] }), /networks: .* must name one network/],
  [
    neutron({ mode: 'nic' }, { openstackConf: { password: 'x' } }),
    /openstackConf\.password must not be here/,
  ],
] as const) {
  test(`a configuration with ${JSON.stringify(conf)} is refused`, () => {
    assert.throws(() => read(conf), { code: 'INPUT_INVALID', message });
  });
}
