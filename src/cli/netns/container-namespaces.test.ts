import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containerNamespaces, type KnownNic, pathOfPod } from './container-namespaces.ts';

const OWN = 1;
const processes = [
  { pid: 1, command: 'init', netns: OWN },
  { pid: 900, command: 'web', netns: 20 },
  { pid: 812, command: 'pause', netns: 20 },
  { pid: 400, command: 'other', netns: 30 },
];
const nic = (netns: number, namespace: string, name: string, nicName = 'eth0'): KnownNic => ({
  ...{ netns, path: `/run/netns/cni-${netns}`, pod: { namespace, name }, name: nicName },
});
const nics = [nic(20, 'default', 'web-0', 'net1'), nic(20, 'default', 'web-0'), nic(40, 'shop', 'web-0')];
const all = containerNamespaces(processes, nics, OWN);

test('namespaces are named by their first process and their pod, and that of the node is left out', () => {
  assert.deepEqual(all, [
    { netns: 30, pid: 400, command: 'other', processes: 1, nics: [], path: '/proc/400/ns/net' },
    {
      ...{ netns: 20, pid: 812, command: 'pause', processes: 2, pod: 'default/web-0' },
      ...{ nics: ['eth0', 'net1'], path: '/proc/812/ns/net' },
    },
    { netns: 40, processes: 0, pod: 'shop/web-0', nics: ['eth0'], path: '/run/netns/cni-40' },
  ]);
});

describe('a pod', () => {
  test('is found by its name with or without a namespace, also where it is only mounted', () => {
    assert.equal(pathOfPod(all, 'default/web-0', undefined), '/proc/812/ns/net');
    assert.equal(pathOfPod(all, 'pod/shop/web-0', undefined), '/run/netns/cni-40');
    assert.equal(pathOfPod(all, 'web-0', 'shop'), '/run/netns/cni-40');
  });

  test('with a name of two pods is refused, with both', () => {
    const message = /web-0 is default\/web-0 \(namespace 20\) and shop\/web-0 \(namespace 40\)/;
    assert.throws(() => pathOfPod(all, 'web-0', undefined), { code: 'INPUT_INVALID', message });
  });

  test('that no record has is refused, with the name that was perhaps meant', () => {
    const message = /no record of the agent has a pod default\/wbe-0; did you mean default\/web-0\?/;
    assert.throws(() => pathOfPod(all, 'default/wbe-0', undefined), { code: 'INPUT_INVALID', message });
  });
});
