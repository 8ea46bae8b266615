import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execCommand, type RunningLab } from './running-labs.ts';

const lab: RunningLab = {
  pid: 42,
  kubeconfig: '/k',
  nodes: ['node1'],
  pods: [{ namespace: 'default', name: 'web', node: 'node1', netns: '/run/netns/x', containerId: 'c' }],
};

test('a command runs in the network namespace of the pod that is named, with or without its namespace', () => {
  const expected = 'nsenter --target=42 --mount --pid --wdns=/ -- nsenter --net=/run/netns/x -- ip route';
  assert.equal(execCommand([lab], 'web', ['ip', 'route']).join(' '), expected);
  assert.equal(execCommand([lab], 'default/web', ['ip', 'route']).join(' '), expected);
});

test('on a node a command sees the node’s files too', () => {
  assert.match(
    execCommand([lab], 'node1', ['ls']).join(' '),
    /--net=\/run\/netns\/node1 --mount=\/run\/orbweaver-lab\/node1\/mnt -- ls$/,
  );
});

test('an unknown place is answered with the known ones', () => {
  assert.throws(
    () => execCommand([lab], 'wbe', ['ip']),
    /no wbe in the lab; there are default\/web, node1, router, client/,
  );
  assert.throws(() => execCommand([], 'web', ['ip']), /no lab is running/);
});

test('a place that several labs have is refused, naming the KUBECONFIG of each', () => {
  const other: RunningLab = { ...lab, pid: 43, kubeconfig: '/k2', pods: [] };
  assert.throws(() => execCommand([lab, other], 'node1', ['ip']), {
    code: 'INPUT_INVALID',
    message: 'node1 is in 2 labs: set KUBECONFIG to /k or /k2',
  });
  assert.match(execCommand([lab, other], 'web', ['ip']).join(' '), /--target=42 /);
});
