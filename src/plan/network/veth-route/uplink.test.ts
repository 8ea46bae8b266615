import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultDestination, parseAddress, parseCidr } from '#ip';
import { type Link, MAIN_TABLE, type Route, RTPROT } from '#net';
import { defaultNic, holderOf, uplinkOf } from './uplink.ts';

const link = (name: string): Link => ({
  ...{ index: name.length, name, mtuBytes: 1500, up: true, carrier: true, loopback: name === 'lo' },
});
const at = (dev: string, address: string) => ({ dev, address: parseCidr(address), scope: 'global' as const });
const byDefault = (dev: string, metric: number): Route => ({
  ...{ destination: defaultDestination(4), table: MAIN_TABLE, type: 'unicast', scope: 'global', dev, metric },
  ...{ gateway: parseAddress('10.10.10.1'), protocol: RTPROT.boot },
});

const node = {
  links: ['lo', 'ens3', 'ens4', 'ens5', 'vethr1'].map(link),
  addresses: [
    at('lo', '10.10.10.200/8'),
    at('vethr1', '10.10.10.8/32'),
    at('ens3', '10.10.0.8/16'),
    at('ens4', '10.10.10.8/24'),
    at('ens5', '10.10.10.9/24'),
    at('ens5', 'fd00:a::9/64'),
  ],
  routes: [byDefault('ens3', 300), byDefault('ens5', 100)],
};

test('the NIC of the smallest network answers; of several, that of the default route with the smallest metric', () => {
  assert.equal(uplinkOf(parseAddress('10.10.10.19'), node), 'ens5');
  assert.equal(uplinkOf(parseAddress('10.10.10.19'), { ...node, routes: [] }), 'ens4');
  assert.equal(uplinkOf(parseAddress('10.10.7.1'), node), 'ens3');
  assert.equal(uplinkOf(parseAddress('fd00:a::19'), node), 'ens5');
  assert.deepEqual([defaultNic(node, 4), defaultNic(node, 6)], ['ens5', undefined]);
});

test('no NIC answers for an address outside the networks of all of them', () => {
  assert.equal(uplinkOf(parseAddress('10.99.0.1'), node), undefined);
  assert.equal(uplinkOf(parseAddress('fd00:b::1'), node), undefined);
});

test('an address that an interface of the node has is found there', () => {
  assert.equal(holderOf(parseAddress('10.10.10.9'), node), 'ens5');
  assert.equal(holderOf(parseAddress('10.10.10.19'), node), undefined);
});
