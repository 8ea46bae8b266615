// CNI_* variables and CNI_ARGS: what each verb needs, and what is said when it is not there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKubernetesArgs } from './arguments.ts';
import { type CniVariables, parseCniEnvironment } from './environment.ts';

const add: CniVariables = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'abc_1.2-3',
  CNI_NETNS: '/run/netns/a',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
};

test('the environment of ADD is read', () => {
  assert.deepEqual(parseCniEnvironment(add), {
    verb: 'ADD',
    containerId: 'abc_1.2-3',
    netns: '/run/netns/a',
    interfaceName: 'eth0',
    args: '',
    path: ['/opt/cni/bin', '/usr/lib/cni'],
    ownNetnsAllowed: false,
  });
});

test('one error names all variables that the verb misses', () => {
  const cases: [CniVariables, string][] = [
    [{}, 'CNI_COMMAND'],
    [{ CNI_COMMAND: 'ADD', CNI_NETNS: '' }, 'CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME'],
    [{ CNI_COMMAND: 'CHECK', CNI_IFNAME: 'eth0' }, 'CNI_CONTAINERID,CNI_NETNS'],
    [{ CNI_COMMAND: 'DEL' }, 'CNI_CONTAINERID,CNI_IFNAME'],
    [{ CNI_COMMAND: 'GC' }, 'CNI_PATH'],
  ];
  for (const [variables, names] of cases) {
    const message = `required env variables [${names}] missing`;
    assert.throws(() => parseCniEnvironment(variables), { code: 'CNI_ENVIRONMENT_INVALID', message });
  }
});

test('DEL needs no namespace; STATUS and VERSION need nothing but the verb', () => {
  assert.equal(parseCniEnvironment({ ...add, CNI_COMMAND: 'DEL', CNI_NETNS: '' }).netns, undefined);
  assert.equal(parseCniEnvironment({ CNI_COMMAND: 'STATUS' }).verb, 'STATUS');
  assert.equal(parseCniEnvironment({ CNI_COMMAND: 'VERSION', CNI_IFNAME: 'a/b' }).verb, 'VERSION');
});

test('an unknown verb is refused with a list of the known ones', () => {
  const message = /unknown CNI_COMMAND: "add" is not one of ADD, DEL, CHECK, GC, STATUS, VERSION/;
  assert.throws(() => parseCniEnvironment({ CNI_COMMAND: 'add' }), { message });
});

test('container ids and interface names must have the form of the specification', () => {
  for (const id of ['-a', '.a', 'a b', 'a/b', 'ä']) {
    assert.throws(() => parseCniEnvironment({ ...add, CNI_CONTAINERID: id }), {
      message: /^CNI_CONTAINERID ".*" has invalid/,
    });
  }
  for (const name of ['.', '..', 'a/b', 'a:b', 'a b', 'sixteen-letters-']) {
    assert.throws(() => parseCniEnvironment({ ...add, CNI_IFNAME: name }), {
      message: /^CNI_IFNAME ".*" is not a name/,
    });
  }
  assert.equal(
    parseCniEnvironment({ ...add, CNI_IFNAME: 'fifteen-letters' }).interfaceName,
    'fifteen-letters',
  );
});

test('the pod is read from CNI_ARGS, and unknown keys are ignored only with IgnoreUnknown', () => {
  const args =
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod;K8S_POD_INFRA_CONTAINER_ID=c;K8S_POD_UID=u;X=1';
  assert.deepEqual(parseKubernetesArgs(args), {
    podNamespace: 'ns',
    podName: 'pod',
    podUid: 'u',
    infraContainerId: 'c',
    requestedAddresses: undefined,
    requestedMac: undefined,
  });
  assert.equal(parseKubernetesArgs('').podName, undefined);
  assert.equal(parseKubernetesArgs('IP=10.6.0.9').requestedAddresses, '10.6.0.9');
  assert.equal(parseKubernetesArgs('MAC=02:00:00:00:00:05').requestedMac, '02:00:00:00:00:05');
  const cases: [string, RegExp][] = [
    ['X=1', /unknown args \["X"\]: allowed are K8S_POD_NAMESPACE/],
    ['X=1;IgnoreUnknown=false', /unknown args/],
    ['IgnoreUnknown=yes', /IgnoreUnknown "yes" is not one of/],
    ['K8S_POD_NAME', /invalid pair "K8S_POD_NAME"/],
    ['K8S_POD_NAME=a=b', /invalid pair/],
    ['=b', /invalid pair/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseKubernetesArgs(text), { code: 'CNI_ENVIRONMENT_INVALID', message });
  }
});
