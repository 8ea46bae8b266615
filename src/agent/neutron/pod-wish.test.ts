import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import type { Subnet } from '#openstack';
import { podWish } from './pod-wish.ts';

const subnet = (cidr: string, ip_version: 4 | 6): Subnet => ({
  ...{ id: cidr, network_id: 'n', cidr, ip_version, gateway_ip: null },
  ...{ ipv6_address_mode: null, dns_nameservers: [] },
});
const four = subnet('10.6.0.0/16', 4);
const six = subnet('fd00::/64', 6);
const subnets = [four, six];
const nobodyAsks = { interfaceName: 'eth0', requested: {} };
const port = { mode: 'port', subnets } as const;
const ips = (value: unknown) => ({ 'ipam.orbweaver.io/ips': JSON.stringify(value) });
const groups = { 'openstack.orbweaver.io/security-groups': 'web' };

test('a pod that asks for nothing gets any address', () => {
  const wish = podWish({}, nobodyAsks, { ...port, mode: 'fixed-ips' });
  assert.deepEqual([wish.groups, wish.addressIn(four), wish.addressIn(six)], [null, null, null]);
});

test('the annotation asks for an address of each family, before the runtime', () => {
  const requested = { 'runtimeConfig.ips': ['10.6.0.8'] };
  const own = podWish(ips({ eth0: ['fd00::7'], net1: '10.6.0.9' }), { ...nobodyAsks, requested }, port);
  assert.deepEqual([own.addressIn(four), own.addressIn(six)], [null, 'fd00::7']);
  const runtime = podWish(ips({ net1: '10.6.0.9' }), { ...nobodyAsks, requested }, port);
  assert.equal(runtime.addressIn(four), '10.6.0.8');
});

test('an address of no subnet is refused, with the place and the subnets', () => {
  assert.throws(
    () => podWish(ips({ eth0: '10.7.0.1' }), nobodyAsks, port),
    (error) =>
      isOrbError(error, 'ADDRESS_REQUEST_UNSERVED') &&
      /eth0 asks for 10\.7\.0\.1.*10\.6\.0\.0\/16, fd00::\/64/.test(error.message),
  );
});

test('security groups are those of a port of its own: on the port of the VM they are refused', () => {
  assert.deepEqual(podWish(groups, nobodyAsks, port).groups, ['web']);
  assert.throws(
    () => podWish(groups, nobodyAsks, { ...port, mode: 'fixed-ips' }),
    (error) => isOrbError(error, 'INPUT_INVALID'),
  );
});
