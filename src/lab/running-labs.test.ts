import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { execCommand, labOfKubeconfig, type RunningLab } from './running-labs.ts';

const lab: RunningLab = {
  pid: 42,
  kubeconfig: '/k',
  nodes: ['node1'],
  pods: [{ namespace: 'default', name: 'web', node: 'node1', netns: '/run/netns/x', containerId: 'c' }],
};

const execLine = (labs: readonly RunningLab[], target: string, argv: readonly string[]) =>
  execCommand(labs, { target }, argv).argv.join(' ');

test('a command runs in the network namespace of the named pod, with or without its namespace', () => {
  const expected = 'nsenter --target=42 --mount --pid --wdns=/ -- nsenter --net=/run/netns/x -- ip route';
  assert.equal(execLine([lab], 'web', ['ip', 'route']), expected);
  assert.equal(execLine([lab], 'default/web', ['ip', 'route']), expected);
});

test('a place may have its kind before it, as in kubectl', () => {
  for (const target of ['pod/web', 'pod:web', 'pod/default/web'])
    assert.equal(execLine([lab], target, ['ip']), execLine([lab], 'web', ['ip']));
  const onNode = (target: string) => execCommand([lab], { target }, ['ip']);
  assert.deepEqual(onNode('node/node1'), onNode('node1'));
});

test('an unknown place among many is refused with eight of the known ones', () => {
  const nodes = Array.from({ length: 30 }, (_, index) => `node${index}`);
  assert.throws(
    () => execLine([{ ...lab, nodes }], 'database', ['ip']),
    /there are default\/web, node0, .*, node6 and 26 more$/,
  );
});

test('a command on a node sees the node’s files too', () => {
  assert.match(
    execLine([lab], 'node1', ['ls']),
    /--net=\/run\/netns\/node1 --mount=\/run\/orbweaver-lab\/node1\/mnt -- ls$/,
  );
});

test('an unknown place is refused with the known ones', () => {
  assert.throws(() => execLine([lab], 'wbe', ['ip']), /no wbe in the lab; did you mean web\?/);
  assert.throws(
    () => execLine([lab], 'database', ['ip']),
    /no database in the lab; there are default\/web, node1, router, client/,
  );
  assert.throws(() => execLine([], 'web', ['ip']), /no lab is running/);
});

test('a place that several labs have is refused, naming the KUBECONFIG of each', () => {
  const other: RunningLab = { ...lab, pid: 43, kubeconfig: '/k2', pods: [] };
  assert.throws(() => execLine([lab, other], 'node1', ['ip']), {
    code: 'INPUT_INVALID',
    message: 'node1 is in 2 labs: set KUBECONFIG to /k or /k2',
  });
  assert.match(execLine([lab, other], 'web', ['ip']), /--target=42 /);
});

test('a pod of another namespace does not match a name with a namespace', () => {
  const run = (namespace: string) => execCommand([lab], { target: 'web', namespace }, ['ip']).argv.length;
  assert.ok(run('default') > 0);
  assert.throws(() => run('other'), /no web in namespace other of the lab/);
});

test('orbctl is a command in every place of the lab, and knows the lab and the node', () => {
  const { environment } = execCommand([lab], { target: 'node1' }, ['sh'], '/usr/bin');
  assert.deepEqual(environment, {
    PATH: '/run/orbweaver-lab/bin:/usr/bin',
    KUBECONFIG: '/run/orbweaver-lab/kubeconfig',
    NODE_NAME: 'node1',
  });
});

describe('a KUBECONFIG', () => {
  const running = { ...lab, kubeconfig: '/proc/42/root/run/orbweaver-lab/kubeconfig' };

  test('of an ended lab is refused, and no other lab is used', () => {
    const stale = '/proc/41/root/run/orbweaver-lab/kubeconfig';
    assert.throws(() => labOfKubeconfig([running], stale), {
      code: 'LAB_NOT_RUNNING',
      message: `KUBECONFIG=${stale} belongs to a lab that has ended; unset it, or set it to ${running.kubeconfig}`,
    });
    assert.throws(() => labOfKubeconfig([], stale), /no lab runs now: unset it/);
  });

  test('of a running lab selects that lab, and any other selects none', () => {
    assert.equal(labOfKubeconfig([running], running.kubeconfig), running);
    for (const path of ['/root/.kube/config', '/run/orbweaver-lab/kubeconfig'])
      assert.equal(labOfKubeconfig([running], path), undefined);
  });
});
