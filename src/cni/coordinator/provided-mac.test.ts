import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderCoordinator } from '#api';
import { silentLogger } from '#base';
import { type AttachmentRecord, withPart } from '#node';
import { mergeOptions } from '#plan/network';
import { eniVlanPart } from '../eni-vlan/index.ts';
import { keepProvidedMac } from './provided-mac.ts';

const options = mergeOptions({
  netConf: { mode: 'disable' } as never,
  podAnnotations: {},
  coordinator: { metadata: { name: 'default' }, spec: { podMACPrefix: '0a:1b' } } as SpiderCoordinator,
});
const begun: AttachmentRecord = {
  ...{ version: 1, containerId: 'c', interfaceName: 'eth0', network: 'net' },
  createdAt: '2030-01-01T00:00:00.000Z',
};

/** The record of an interface with this MAC address; undefined is one that the kernel chose. */
function made(mac: string | undefined): AttachmentRecord {
  const link = { master: 'eth1', vlanId: 7, ...(mac !== undefined && { mac }) };
  return withPart(begun, eniVlanPart, { state: 'done', result: {}, addressesOf: 'spiderpool', link });
}

const kept = (record: AttachmentRecord, ofNetwork?: string) =>
  keepProvidedMac(options, record, ofNetwork, { log: silentLogger }).podMACPrefix;

test('the podMACPrefix of the cluster does not count where a provider chose the MAC address', () => {
  assert.equal(kept(made('fa:16:3e:00:00:01')), '');
  assert.equal(kept(made(undefined)), '0a:1b');
  assert.equal(kept(begun, '0a:1b'), '0a:1b');
});

test('the podMACPrefix of the network itself is refused there, and the message names it', () => {
  const message =
    'podMACPrefix 0a:1b cannot be used on eth0: the network provider chose MAC address fa:16:3e:00:00:01 for eth0; leave podMACPrefix empty for it';
  assert.throws(() => kept(made('fa:16:3e:00:00:01'), '0a:1b'), { code: 'INPUT_INVALID', message });
});
