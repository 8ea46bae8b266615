// Pools whose addresses Neutron reserves: which ports are missing, which are surplus, and what the status says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressSet } from '#ip';
import {
  addressesOf,
  deviceOfPool,
  ipMetaDataOf,
  isOfNeutron,
  isPoolPortOf,
  listed,
  NETWORK_ANNOTATION,
  networkOfPool,
  POOL_PORT_OWNER,
  poolPortDescription,
  poolPortStep,
  poolUidOf,
} from './pool-ports.ts';

const set = (...ranges: readonly string[]) => AddressSet.parse(4, ranges);
const portOf = (ip_address: string) => ({ id: ip_address, fixed_ips: [{ subnet_id: 's', ip_address }] });

test('an address without a port is missing, and a port without use is surplus', () => {
  const ports = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map(portOf);
  const sights = { subnet: 's', held: set('10.0.0.2'), told: set('10.0.0.3') };
  const step = poolPortStep(set('10.0.0.1', '10.0.0.9-10.0.0.10'), sights, ports);
  assert.deepEqual(step.missing.format(), ['10.0.0.9-10.0.0.10']);
  assert.deepEqual(step.surplus, ['10.0.0.4']);
});

test('no address that the status tells of, or that a pod holds, ever loses its port', () => {
  const some = fc.uniqueArray(fc.integer({ min: 1, max: 20 })).map((hosts) =>
    AddressSet.parse(
      4,
      hosts.map((host) => `10.0.0.${host}`),
    ),
  );
  fc.assert(
    fc.property(some, some, some, some, (wanted, held, told, there) => {
      const ports = listed(there).map(({ value }) => portOf(`10.0.0.${value & 255n}`));
      const { missing, surplus } = poolPortStep(wanted, { subnet: 's', held, told }, ports);
      const left = addressesOf(
        4,
        ports.filter(({ id }) => !surplus.includes(id)),
      );
      const kept = wanted.union(held).union(told);
      assert.ok(left.equals(there.intersection(kept)));
      assert.ok(missing.equals(wanted.difference(there)));
    }),
  );
});

test('the status tells of the offered addresses that are ready, in order', () => {
  const told = ipMetaDataOf(set('10.0.0.1-10.0.0.4'), set('10.0.0.3', '10.0.0.2', '10.0.0.9'), 7);
  assert.deepEqual(told, {
    metadata: '{"10.0.0.2":{},"10.0.0.3":{}}',
    observedGeneration: 7,
    readyIPCount: 2,
    unreadyIPCount: 2,
  });
});

test('the first addresses of a set are listed in order, over all of its ranges', () => {
  const texts = (most?: number) =>
    listed(set('10.0.0.9', '10.0.0.1-10.0.0.3'), most).map(({ value }) => value & 255n);
  assert.deepEqual(texts(), [1n, 2n, 3n, 9n]);
  assert.deepEqual(texts(2), [1n, 2n]);
  assert.deepEqual(texts(0), []);
});

test('a pool asks for Neutron by two annotations', () => {
  const pool = (annotations: Record<string, string>) => ({ metadata: { annotations } });
  assert.ok(isOfNeutron(pool({ 'ipam.spidernet.io/iaas-provider': 'neutron' })));
  assert.ok(!isOfNeutron(pool({ 'ipam.spidernet.io/iaas-provider': 'huaweicloud' })));
  assert.equal(networkOfPool(pool({ [NETWORK_ANNOTATION]: '6b7e' })), '6b7e');
  for (const text of ['', 'a b', '../x', 'x'.repeat(65)])
    assert.equal(networkOfPool(pool({ [NETWORK_ANNOTATION]: text })), undefined);
});

test('a port names its pool and its cluster, however long the name of the pool is', () => {
  const description = poolPortDescription('p'.repeat(253), '01234567-89ab-cdef-0123-456789abcdef');
  assert.ok(description.length <= 255);
  const port = { device_owner: POOL_PORT_OWNER, description, device_id: deviceOfPool('uid') };
  const isOurs = (change: object) =>
    isPoolPortOf({ ...port, ...change }, '01234567-89ab-cdef-0123-456789abcdef');
  assert.ok(isOurs({}));
  assert.ok(!isPoolPortOf(port, 'another'));
  // An operator has made something else of it.
  assert.ok(
    !isOurs({ device_owner: '' }) && !isOurs({ device_id: 'vm' }) && !isOurs({ description: 'mine' }),
  );
  assert.equal(poolUidOf(port), 'uid');
  assert.equal(poolUidOf({ device_id: 'orbweaver-0123abcd' }), undefined);
});
