import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { silentLogger, systemClock } from '#base';
import { FakeKube } from '#kube';
import { EndpointWriter } from './endpoint-writer.ts';

test('an ADD that failed does not delete the endpoint of a newer pod of the same name', async () => {
  const kube = new FakeKube();
  const ref = { namespace: 'default', name: 'web-0' };
  await kube.create(resources.spiderEndpoints, {
    metadata: ref,
    status: {
      current: { uid: 'new', node: 'node2', ips: [] },
      ownerControllerType: 'Pod',
      ownerControllerName: 'web-0',
    },
  });
  const writer = new EndpointWriter({
    client: kube,
    clock: systemClock,
    log: silentLogger,
    nodeName: 'node1',
  });
  const details = [{ interface: 'eth0', vlan: 0, ipv4: '10.6.1.1/16' }];
  writer.show({ metadata: { ...ref, uid: 'old' } }, details);
  writer.hide(ref.namespace, ref.name, 'old', 'all');
  await writer.idle();
  assert.equal((await kube.get(resources.spiderEndpoints, ref)).status?.current.uid, 'new');
  await writer.stop();
});
