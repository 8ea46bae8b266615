// Whatever the author of a pod writes into its annotations, the pod gets no pool of another namespace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { selectCandidates } from './candidates.ts';
import { catalogPools } from './catalog.ts';
import { filterCandidates } from './filters.ts';
import { poolObject } from './pool-fixture.ts';

const catalog = catalogPools([
  poolObject('ours', { default: true }),
  poolObject('bank', { ips: ['10.6.9.1'], namespaceName: ['bank'] }),
  poolObject('bank-by-labels', { ips: ['10.6.9.2'], namespaceAffinity: { matchLabels: { team: 'bank' } } }),
]);
const context = {
  // Labels of the pod are its author's too. Those of the namespace are not.
  podLabels: { team: 'bank', namespace: 'bank', 'kubernetes.io/metadata.name': 'bank' },
  namespace: { name: 'shop', labels: {} },
  node: { name: 'n1', labels: {} },
  networks: new Map<string, string>(),
  agentNamespace: 'kube-system',
};

/** The pools that a pod with these annotations can get an address of. Empty if it is refused. */
function pools(podAnnotations: Record<string, string>): string[] {
  try {
    const candidates = selectCandidates({
      ...{ nic: 'eth0', nics: ['eth0', 'net1'], podAnnotations, namespaceAnnotations: {}, catalog },
      configuration: { pools: { 4: [], 6: [] }, cleanGateway: false },
      families: [4],
    });
    const left = filterCandidates(candidates, catalog, context);
    return left.flatMap(({ families }) => families.flatMap((family) => [...family.pools]));
  } catch (error) {
    // Anything else would be a bug that the author of a pod can cause.
    assert.ok(isOrbError(error), String(error));
    return [];
  }
}

const names = [
  'bank',
  'bank-by-labels',
  'bank*',
  '*',
  '?ank',
  '[a-c]ank',
  'ours/../bank',
  '/etc/passwd',
  '../bank',
];
const strange = ['', ' bank', 'bank\u0000', '\ud800', '__proto__', 'constructor', 'a'.repeat(2000)];
const values: readonly unknown[] = [
  ...[...names, ...strange],
  ...[
    null,
    true,
    0,
    -1,
    1e308,
    [],
    {},
    [[]],
    [{}],
    [null],
    JSON.parse('{"__proto__":{"ipv4":["bank"]}}'),
    { length: 1 },
  ],
];
/** Each value in every place of the annotations that name pools. */
function shapes(value: unknown): unknown[] {
  const lists = [value, [value], ['ours', value], { 0: value, length: 1 }];
  return [
    ...lists,
    ...lists.flatMap((ipv4) => [
      { ipv4 },
      [{ interface: 'eth0', ipv4 }],
      [{ interface: 'eth0', ipv4: ['ours'], ipv6: ipv4 }],
      [{ interface: value, ipv4: ['bank'] }],
      { ipv4: ['ours'], ipv6: ipv4, namespace: 'bank', namespaceName: ['shop'] },
    ]),
  ];
}

test('annotations of every shape give a pod no pool of another namespace, and are refused as input where wrong', () => {
  let [served, tried] = [0, 0];
  for (const key of ['ippool', 'ippools', 'subnet', 'subnets', 'default-ipv4-ippool']) {
    for (const value of values.flatMap(shapes)) {
      const text = JSON.stringify(value);
      const got = pools({ [`ipam.spidernet.io/${key}`]: text });
      assert.deepEqual(
        got.filter((name) => name !== 'ours'),
        [],
        `${key}: ${text}`,
      );
      tried += 1;
      if (got.length > 0) served += 1;
    }
  }
  // Some are good, e.g. a wildcard that finds the own pool beside others.
  assert.ok(served > 0 && served < tried, `${served} of ${tried}`);
});

test('text that ends too early, nests too deep or is huge is refused, and in no time that a pod can choose', () => {
  const texts = [
    '[',
    '{"ipv4":',
    '['.repeat(100_000),
    `{"ipv4":["${'*'.repeat(100_000)}k"]}`,
    '"\\',
    '\u0000',
  ];
  for (const text of texts) assert.deepEqual(pools({ 'ipam.spidernet.io/ippool': text }), []);
});
