// Which pools serve a pod, by node, namespace, labels and network. The names begin with Spiderpool's case.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr } from '#ip';
import { choosePools } from './allocate.ts';
import type { NicCandidates } from './candidates.ts';
import { catalogPools } from './catalog.ts';
import { type FilterContext, filterCandidates } from './filters.ts';
import { PoolLedger } from './ledger.ts';
import { only, pickContext, poolObject, type SpecFields } from './pool-fixture.ts';

const context: FilterContext = {
  podLabels: { app: 'web' },
  namespace: { name: 'shop', labels: { team: 'a' } },
  node: { name: 'n1', labels: { zone: 'z1' } },
  networks: new Map([
    ['eth0', 'kube-system/lan'],
    ['net1', 'shop/san'],
  ]),
  agentNamespace: 'kube-system',
};

/** The pools of these specs, named by the keys. They are tried in this order. */
function left(specs: Record<string, SpecFields>, nic = 'eth0', given = context): NicCandidates {
  const catalog = catalogPools(Object.entries(specs).map(([name, spec]) => poolObject(name, spec)));
  const families = [{ family: 4, pools: Object.keys(specs) } as const];
  const [filtered] = filterCandidates(
    [{ nic, cleanGateway: false, source: 'test', families }],
    catalog,
    given,
  );
  assert.ok(filtered);
  return filtered;
}

const match = (labels: Record<string, string>) => ({ matchLabels: labels });
const rows: [name: string, spec: SpecFields, reason: string | undefined, nic?: string][] = [
  ['L00001 its node has the labels', { nodeAffinity: match({ zone: 'z1' }) }, undefined],
  [
    'L00002 its node lacks the labels',
    { nodeAffinity: match({ zone: 'z2' }) },
    'unmatched Node selector, IPPool p serves {"matchLabels":{"zone":"z2"}}',
  ],
  ['L00003 its namespace has the labels', { namespaceAffinity: match({ team: 'a' }) }, undefined],
  [
    'L00004 its namespace lacks the labels',
    { namespaceAffinity: match({ team: 'b' }) },
    'unmatched Namespace selector, IPPool p serves {"matchLabels":{"team":"b"}}',
  ],
  ['L00005 it has the labels', { podAffinity: match({ app: 'web' }) }, undefined],
  [
    'L00006 it lacks the labels',
    { podAffinity: match({ app: 'db' }) },
    'unmatched Pod selector, IPPool p serves {"matchLabels":{"app":"db"}}',
  ],
  ['D00009 its network is named with a namespace', { multusName: ['shop/san'] }, undefined, 'net1'],
  ['D00009 its network is named without a namespace', { multusName: ['x', 'lan'] }, undefined],
  [
    'D00010 its network is another one',
    { multusName: ['shop/san'] },
    'interface eth0 has kube-system/lan, IPPool p serves Multus networks [shop/san]',
  ],
  ['D00011 its node is named', { nodeName: ['n0', 'n1'] }, undefined],
  ['D00012 its node is not named', { nodeName: ['n2'] }, 'unmatched Node name n1, IPPool p serves [n2]'],
  ['D00013 a node name beats labels', { nodeName: ['n1'], nodeAffinity: match({ zone: 'z2' }) }, undefined],
  [
    'D00013 a node name beats labels, also when it refuses',
    { nodeName: ['n2'], nodeAffinity: match({ zone: 'z1' }) },
    'unmatched Node name n1, IPPool p serves [n2]',
  ],
  ['D00014 its namespace is named', { namespaceName: ['shop'] }, undefined],
  [
    'D00015 its namespace is not named',
    { namespaceName: ['bank'] },
    'unmatched Namespace name shop, IPPool p serves [bank]',
  ],
  [
    'D00016 a namespace name beats labels',
    { namespaceName: ['shop'], namespaceAffinity: match({ team: 'b' }) },
    undefined,
  ],
  [
    'D00016 a namespace name beats labels, also when it refuses',
    { namespaceName: ['bank'], namespaceAffinity: match({ team: 'a' }) },
    'unmatched Namespace name shop, IPPool p serves [bank]',
  ],
];

for (const [name, spec, reason, nic] of rows) {
  test(`a pool serves the pods that its fields select: ${name}`, () => {
    const [family] = left({ p: spec, any: { ips: ['10.6.9.9'] } }, nic).families;
    assert.deepEqual(family?.pools, reason === undefined ? ['p', 'any'] : ['any']);
    assert.deepEqual(family?.leftOut, reason === undefined ? undefined : [reason]);
  });
}

test('a pool of the right Multus network must also have the network of the parent interface', () => {
  const parent = { nic: 'eth0', networks: [parseCidr('10.7.0.101/16')] };
  const specs = {
    six: { multusName: ['lan'] },
    seven: { subnet: '10.7.0.0/16', ips: ['10.7.0.10'], gateway: '10.7.0.1', multusName: ['lan'] },
  };
  const [family] = left(specs, 'eth0', { ...context, parent }).families;
  assert.deepEqual(family?.pools, ['seven']);
});

test('A cluster without Multus uses every pool that names no network', () => {
  const alone = { ...context, networks: new Map<string, string>() };
  const [family] = left({ bound: { multusName: ['lan'] }, free: {} }, 'eth0', alone).families;
  assert.deepEqual(family?.pools, ['free']);
  assert.deepEqual(family?.leftOut, [
    'interface eth0 has no network known to Multus, IPPool bound serves Multus networks [kube-system/lan]',
  ]);
});

test('L00007 one list of pools serves nodes of several zones: each node gets its own zone’s pool', () => {
  const specs = { a: { nodeAffinity: match({ zone: 'z1' }) }, b: { nodeAffinity: match({ zone: 'z2' }) } };
  const inZone = (zone: string) =>
    left(specs, 'eth0', { ...context, node: { name: 'n', labels: { zone } } }).families[0]?.pools;
  assert.deepEqual([inZone('z1'), inZone('z2')], [['a'], ['b']]);
});

test('L00009 a namespace has several pools, and a pool has several namespaces', () => {
  const specs = {
    one: { namespaceName: ['shop'] },
    both: { namespaceName: ['shop', 'bank'] },
    two: { namespaceName: ['bank'] },
  };
  assert.deepEqual(left(specs).families[0]?.pools, ['one', 'both']);
});

test('unsuitable pools are left out, and when all are, the error gives the reason for each', () => {
  assert.throws(
    () => left({ other: { nodeName: ['n2'] }, six: { subnet: 'fd00::/64', ips: [], gateway: 'fd00::1' } }),
    {
      code: 'IPPOOL_UNSUITABLE',
      message:
        'no IPPool available, all IPv4 IPPools [other six] of eth0 filtered out: [unmatched Node name n1, IPPool other serves [n2], expect an IPv4 IPPool, but the version of the IPPool six is IPv6]',
    },
  );
});

test('when the suitable pools have no address, the error also gives the reason for each unsuitable pool', () => {
  const candidates = left({ full: { ips: [] }, other: { nodeName: ['n2'] }, off: { disable: true } });
  const ledger = PoolLedger.read(poolObject('full', { ips: [] }));
  assert.throws(
    () => choosePools({ pod: 'shop/p', podUid: 'u' }, [candidates], only(ledger), pickContext()),
    {
      code: 'IPPOOL_EXHAUSTED',
      message:
        'failed to allocate any IPv4 IP address to NIC eth0 from IPPools [full]: [full: all IP addresses used out, unmatched Node name n1, IPPool other serves [n2], disabled IPPool off]',
    },
  );
});
