import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { mergeOptions } from '#plan/network';
import { multusDefaults, requireDefaultRouteNic } from './default-route-request.ts';

function ask(nic: string, networks: string | undefined, netConf: object): void {
  const options = mergeOptions({
    netConf: { overlayPodCIDR: ['10.1.0.0/16'], serviceCIDR: ['10.2.0.0/16'], ...netConf },
    podAnnotations: {},
    coordinator: undefined,
  });
  const annotations: Record<string, string> =
    networks === undefined ? {} : { 'k8s.v1.cni.cncf.io/networks': networks };
  requireDefaultRouteNic(options, { namespace: 'default', annotations }, nic);
}

test('a default route NIC that the pod never requests fails the ADD of its second NIC, in Spiderpool’s words', () => {
  assert.throws(
    () => ask('net1', 'a,b@ens9', { podDefaultRouteNic: 'net5' }),
    (error) =>
      isOrbError(error, 'INPUT_INVALID') &&
      error.message === "podDefaultRouteNIC: net5 don't exist in pod; allowed: eth0, net1, ens9",
  );
});

test('a default route NIC that comes later is no error while net1 or the first NIC is added', () => {
  ask('net1', 'a,b', { podDefaultRouteNic: 'net2' });
  ask('net1', 'a,b', { podDefaultRouteNic: 'eth0' });
  ask('net1', 'a', { podDefaultRouteNic: 'ens1', podDefaultCniNic: 'ens1' });
  ask('eth0', 'a,b', { podDefaultRouteNic: 'net5' });
});

test('nothing is refused when routes are not tuned, or when the later NICs are not known', () => {
  ask('net1', 'a', { podDefaultRouteNic: 'net5', tunePodRoutes: false });
  ask('net1', undefined, { podDefaultRouteNic: 'net5' });
  ask('net1', '[{', { podDefaultRouteNic: 'net5' });
});

const networks = (...selections: object[]) => ({
  'k8s.v1.cni.cncf.io/networks': JSON.stringify(selections.map((one, i) => ({ name: `n${i}`, ...one }))),
});
const read = (annotations: Record<string, string>) =>
  multusDefaults({ namespace: 'default', annotations }, 'eth0');

test('requested gateways are read with their NICs, one for each family and on several NICs', () => {
  assert.deepEqual(read(networks({ 'default-route': ['10.7.0.1', 'fd00:10:7::1'] })), [
    { nic: 'net1', gateway: '10.7.0.1' },
    { nic: 'net1', gateway: 'fd00:10:7::1' },
  ]);
  const apart = networks(
    { 'default-route': ['10.7.0.1'] },
    { interface: 'ens9', 'default-route': ['fd00:10:8::1'] },
  );
  assert.deepEqual(read(apart), [
    { nic: 'net1', gateway: '10.7.0.1' },
    { nic: 'ens9', gateway: 'fd00:10:8::1' },
  ]);
});

test('a default network may request the gateway too, for the first NIC of a pod with further networks', () => {
  const first = { 'v1.multus-cni.io/default-network': '[{"name":"a","default-route":["10.6.0.1"]}]' };
  assert.deepEqual(read({ ...first, ...networks({}) }), [{ nic: 'eth0', gateway: '10.6.0.1' }]);
  assert.equal(read(first), undefined);
});

test('an empty list removes all default routes; without the key in any network, Multus leaves them', () => {
  assert.deepEqual(read(networks({ 'default-route': [] })), []);
  assert.equal(read(networks({}, {})), undefined);
  assert.equal(read(networks({ 'default-route': null })), undefined);
  assert.equal(read({}), undefined);
  assert.equal(read({ 'k8s.v1.cni.cncf.io/networks': '[{' }), undefined, 'for Multus to refuse');
});
