import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { mergeOptions } from '#plan/network';
import { requireDefaultRouteNic } from './default-route-wish.ts';

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

test('a default route NIC that the pod never asks for fails the ADD of its second NIC, in Spiderpool’s words', () => {
  assert.throws(
    () => ask('net1', 'a,b@ens9', { podDefaultRouteNic: 'net5' }),
    (error) =>
      isOrbError(error, 'INPUT_INVALID') &&
      error.message === "podDefaultRouteNIC: net5 don't exist in pod; allowed: eth0, net1, ens9",
  );
});

test('one that comes later is no error while net1 is made, nor is any while the first NIC is', () => {
  ask('net1', 'a,b', { podDefaultRouteNic: 'net2' });
  ask('net1', 'a,b', { podDefaultRouteNic: 'eth0' });
  ask('net1', 'a', { podDefaultRouteNic: 'ens1', podDefaultCniNic: 'ens1' });
  ask('eth0', 'a,b', { podDefaultRouteNic: 'net5' });
});

test('nothing is refused where routes are left alone, or nobody says which NICs come', () => {
  ask('net1', 'a', { podDefaultRouteNic: 'net5', tunePodRoutes: false });
  ask('net1', undefined, { podDefaultRouteNic: 'net5' });
  ask('net1', '[{', { podDefaultRouteNic: 'net5' });
});
