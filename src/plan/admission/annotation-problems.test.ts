import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api';
import { namespaceAnnotationProblems, podAnnotationProblems } from './annotation-problems.ts';

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true };
const pod = (annotations: Record<string, string>, ownerReferences = [owner]) =>
  podAnnotationProblems({ metadata: { name: 'p', annotations, ownerReferences } } as Pod, 'apps');
const ipam = (name: string, value: unknown) => ({
  [`ipam.spidernet.io/${name}`]: typeof value === 'string' ? value : JSON.stringify(value),
});

test('right annotations, and those of others, have no problem', () => {
  const annotations = {
    ...ipam('ippool', { ipv4: ['a'] }),
    ...ipam('routes', [{ dst: '10.0.0.0/8', gw: '10.6.0.1' }]),
    ...ipam('subnets', [{ interface: 'eth0', ipv4: ['s'] }]),
    ...ipam('ippool-ip-number', '+1'),
    'k8s.v1.cni.cncf.io/networks': 'kube-system/lan@net1',
    'example.org/x': '{',
    'orbweaver.io/service-mode': 'kube-proxy',
  };
  assert.deepEqual(pod(annotations), { wrong: [], unknown: [] });
  assert.deepEqual(pod({}), { wrong: [], unknown: [] });
});

test('each wrong annotation of a pod is named, all at once', () => {
  const cases: [Record<string, string>, RegExp][] = [
    [ipam('ippool', '{'), /invalid format of Pod annotation ipam\.spidernet\.io\/ippool/],
    [
      ipam('ippools', [{ interface: 'eth0', ipv4: ['a'] }, { ipv4: ['b'] }]),
      /annotation ipam\.spidernet\.io\/ippools: .*: either all entries have an interface or none has$/,
    ],
    [
      ipam('ippools', [
        { interface: 'eth0', ipv4: ['a'] },
        { interface: 'eth0', ipv4: ['b'] },
      ]),
      /annotation ipam\.spidernet\.io\/ippools: .*: interface eth0 appears twice/,
    ],
    [
      ipam('routes', [{ dst: 'x', gw: '10.6.0.1' }]),
      /annotation ipam\.spidernet\.io\/routes: \[0\]: invalid CIDR 'x'/,
    ],
    [ipam('subnet', {}), /annotation ipam\.spidernet\.io\/subnet: it's invalid to set dual empty subnet/],
    [
      { ...ipam('subnet', { ipv4: ['s'] }), ...ipam('ippool-ip-number', '++1') },
      /annotation ipam\.spidernet\.io\/ippool-ip-number: invalid input '\+\+1'/,
    ],
    [
      { ...ipam('subnet', { ipv4: ['s'] }), ...ipam('ippool-reclaim', 'maybe') },
      /'ipam\.spidernet\.io\/ippool-reclaim': 'maybe': allowed: true or false/,
    ],
    [
      { 'ipam.spidernet.io/default-route-nic': '../x' },
      /annotation ipam\.spidernet\.io\/default-route-nic is "\.\.\/x"; allowed: the name of an interface/,
    ],
    [
      { 'orbweaver.io/service-mode': 'off' },
      /annotation orbweaver\.io\/service-mode is "off"; allowed: kube-proxy, ebpf/,
    ],
    [{ 'ipam.orbweaver.io/ips': '[]' }, /annotation ipam\.orbweaver\.io\/ips: \[\] must be of type object/],
    [
      { 'k8s.v1.cni.cncf.io/networks': 'A_B' },
      /annotation k8s\.v1\.cni\.cncf\.io\/networks: "A_B" does not have the form \[namespace\/\]name\[@interface\]/,
    ],
    [
      { 'v1.multus-cni.io/default-network': 'a,b' },
      /annotation v1\.multus-cni\.io\/default-network: "a,b" must name exactly one network/,
    ],
  ];
  for (const [annotations, text] of cases) {
    const { wrong } = pod(annotations);
    assert.equal(wrong.length, 1, JSON.stringify(wrong));
    assert.match(wrong[0] ?? '', text);
  }
  assert.equal(pod(Object.assign({}, cases[0]?.[0], cases[3]?.[0])).wrong.length, 2);
});

test('a pod without controller that asks for a subnet is told so', () => {
  const { wrong } = pod(ipam('subnet', { ipv4: ['s'] }), []);
  assert.match(
    wrong.join(),
    /annotation ipam\.spidernet\.io\/subnet: SpiderSubnet feature doesn't support no-controller pod/,
  );
});

test('an annotation of ours that nothing reads is named, with the one that was meant', () => {
  const { wrong, unknown } = pod(ipam('ipools', [{ ipv4: ['a'] }]));
  assert.deepEqual(wrong, []);
  assert.match(
    unknown[0] ?? '',
    /nothing reads the annotation ipam\.spidernet\.io\/ipools here; did you mean/,
  );
});

test('a namespace has annotations of its own', () => {
  const of = (annotations: Record<string, string>) =>
    namespaceAnnotationProblems({ metadata: { name: 'apps', annotations } });
  assert.deepEqual(of(ipam('default-ipv4-ippool', ['a'])), { wrong: [], unknown: [] });
  assert.match(
    of(ipam('default-ipv4-ippool', 'a')).wrong[0] ?? '',
    /Namespace annotation .*default-ipv4-ippool/,
  );
  assert.equal(of(ipam('ippools', [])).unknown.length, 1);
});
