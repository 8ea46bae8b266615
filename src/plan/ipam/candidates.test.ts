import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import { choosePools, type KnownPools } from './allocate.ts';
import { readRoutes } from './annotations.ts';
import { type CandidateSources, selectCandidates } from './candidates.ts';
import { catalogPools } from './catalog.ts';
import { PoolLedger } from './ledger.ts';
import { only, pickContext, poolObject } from './pool-fixture.ts';
import { patternMatcher } from './pool-pattern.ts';
import { assignmentRoutes } from './routes.ts';

const v6 = { subnet: 'fd00::/64', ips: ['fd00::10-fd00::1f'], gateway: 'fd00::1' };
const objects = [
  poolObject('b', { ips: ['10.6.0.10'] }),
  poolObject('a', { ips: ['10.6.0.20-10.6.0.29'], default: true }),
  poolObject('six', v6),
  poolObject('other', { subnet: '10.7.0.0/16', ips: ['10.7.0.10'], gateway: '10.7.0.1', nodeName: ['n2'] }),
];
const catalog = catalogPools(objects);
const sources = (changes: Partial<CandidateSources> = {}): CandidateSources => ({
  nic: 'eth0',
  nics: ['eth0', 'net1'],
  podAnnotations: {},
  namespaceAnnotations: {},
  configuration: { pools: { 4: [], 6: [] }, cleanGateway: false },
  catalog,
  families: [4, 6],
  ...changes,
});
const pod = (key: string, value: unknown) => ({
  podAnnotations: { [`ipam.spidernet.io/${key}`]: typeof value === 'string' ? value : JSON.stringify(value) },
});
const chosen = (changes: Partial<CandidateSources>) =>
  selectCandidates(sources(changes)).map(
    ({ nic, families }) => `${nic}: ${families.map(({ pools }) => pools.join(' ')).join(' + ')}`,
  );
test('a pattern with many stars, which anybody may write into a pod, takes no time', () => {
  const name = 'a'.repeat(250);
  for (const pattern of [`${'*'.repeat(200)}b`, `${'*a'.repeat(100)}b`, `${'*[a-z]?'.repeat(60)}b`]) {
    assert.equal(patternMatcher(pattern)(name), false);
  }
});

test('the first source that names pools decides alone', () => {
  const namespaceAnnotations = { 'ipam.spidernet.io/default-ipv6-ippool': '["six"]' };
  const configuration = { pools: { 4: ['b'], 6: [] }, cleanGateway: false };
  const both = { ippools: '[{"interface":"eth0","ipv4":["b","a"]}]', ippool: '{"ipv4":["a"]}' };
  const podAnnotations = {
    'ipam.spidernet.io/ippools': both.ippools,
    'ipam.spidernet.io/ippool': both.ippool,
  };
  assert.deepEqual(chosen({ podAnnotations, namespaceAnnotations, configuration }), ['eth0: b a']);
  assert.deepEqual(chosen({ ...pod('ippool', both.ippool), namespaceAnnotations, configuration }), [
    'eth0: a',
  ]);
  assert.deepEqual(chosen({ namespaceAnnotations, configuration }), ['eth0: six']);
  assert.deepEqual(chosen({ configuration }), ['eth0: b']);
  assert.deepEqual(chosen({}), ['eth0: a']);
});

test('automatic pools decide alone, and the interface of the call must have one', () => {
  const automatic = [{ nic: 'eth0', pools: { 4: ['b'], 6: ['six'] } }];
  const podAnnotations = { 'ipam.spidernet.io/subnets': '[]', 'ipam.spidernet.io/ippool': '{"ipv4":["a"]}' };
  assert.deepEqual(chosen({ podAnnotations, automatic }), ['eth0: b + six']);
  assert.throws(() => chosen({ podAnnotations, automatic, nic: 'net1' }), {
    message: 'Pod annotation ipam.spidernet.io/subnets: interface net1 must be specified; it has eth0',
  });
});

test('unnamed entries of ippools take the NICs of the pod in order', () => {
  assert.deepEqual(chosen(pod('ippools', [{ ipv4: ['b'], ipv6: ['six'] }, { ipv4: ['a'] }])), [
    'eth0: b + six',
    'net1: a',
  ]);
});

test('wildcards match pools of their family only', () => {
  assert.deepEqual(chosen(pod('ippool', { ipv4: ['[^o]*'] })), ['eth0: a b']);
  assert.equal(patternMatcher('v?-[a-c]*')('v4-box'), true);
  assert.equal(patternMatcher('a.c')('abc'), false);
  const matching = [
    '*',
    '***',
    'v4-*',
    '*-1a',
    'v*east*1?',
    'v4-prod-east-1a',
    '*[0-9]a',
    '[^x]*',
    '\\v4-*',
    '*-e*t-*',
  ];
  for (const pattern of matching) assert.equal(patternMatcher(pattern)('v4-prod-east-1a'), true, pattern);
  for (const pattern of ['', 'v4', '*b', 'v?-east*', '[^v]*', '*-1a?', '[b-a]*', '*east*east*']) {
    assert.equal(patternMatcher(pattern)('v4-prod-east-1a'), false, pattern);
  }
  assert.equal(patternMatcher('a*')('a/b'), false, 'as Go, * takes no slash');
  assert.throws(() => patternMatcher('a[')('a'), { message: /^syntax error in pattern 'a\['/ });
});

for (const [name, changes, message] of [
  [
    'broken JSON',
    pod('ippools', '[{'),
    /^wrong input, invalid format of Pod annotation ipam.spidernet.io\/ippools: .* is not valid JSON/,
  ],
  ['an unknown key', pod('ippool', { ipv5: ['a'] }), /annotation ipam.spidernet.io\/ippool: .*ipv5/],
  ['no pool', pod('ippool', {}), /annotation ipam.spidernet.io\/ippool: .*must name a pool in ipv4 or ipv6/],
  [
    'the same NIC twice',
    pod('ippools', [
      { interface: 'eth0', ipv4: ['a'] },
      { interface: 'eth0', ipv4: ['b'] },
    ]),
    /annotation ipam.spidernet.io\/ippools: .*: interface eth0 appears twice/,
  ],
  [
    'names for some NICs only',
    pod('ippools', [{ interface: 'eth0', ipv4: ['a'] }, { ipv4: ['b'] }]),
    /annotation ipam.spidernet.io\/ippools: .*: either all entries have an interface or none has/,
  ],
  [
    'a list without the current NIC',
    pod('ippools', [{ interface: 'net1', ipv4: ['a'] }]),
    /annotation ipam.spidernet.io\/ippools.*: interface eth0 must be specified; it has net1/,
  ],
  ['an unknown pool', pod('ippool', { ipv4: ['nope'] }), /"nope" not found/],
  [
    'the same pool twice',
    pod('ippool', { ipv4: ['a', 'a'] }),
    /^wrong input, duplicate IPPool a specified for NIC eth0$/,
  ],
  ['a wildcard without match', pod('ippool', { ipv4: ['x*'] }), /no IPv4 IPPool matches \[x\*\]/],
  [
    'a disabled family',
    { ...pod('ippool', { ipv6: ['six'] }), families: [4] as const },
    /^no Interface eth0 IP allocation found/,
  ],
  [
    'no source names a pool',
    { catalog: catalogPools([]) },
    /^no IPPool available, no pool selection rules of any type are specified$/,
  ],
] as const) {
  test(`a wrong choice of pools is refused: ${name}`, () => {
    assert.throws(() => selectCandidates(sources(changes)), { name: 'OrbError', message });
  });
}

test('pools of all NICs and families are chosen at once, each from the first pool with room, with their routes', () => {
  const ledgers = new Map(objects.map((object) => [object.metadata.name, PoolLedger.read(object)]));
  const entries = [
    { ipv4: ['b', 'a'], ipv6: ['six'] },
    { ipv4: ['b', 'a'], cleangateway: true },
  ];
  const candidates = selectCandidates(sources(pod('ippools', entries)));
  const read = new Set<string>();
  const known: KnownPools = {
    ledger(name) {
      read.add(name);
      return ledgers.get(name) as PoolLedger;
    },
    mayHold: (name, { podUid }) => ledgers.get(name)?.text.includes(`"${podUid}"`) === true,
  };
  const choose = () => choosePools({ pod: 'ns/p', podUid: 'u' }, candidates, known, pickContext());
  const assignments = choose();
  assert.deepEqual(
    assignments.map(({ nic, pool, address }) => [nic, pool.name, address]),
    [
      ['eth0', 'b', parseAddress('10.6.0.10')],
      ['eth0', 'six', parseAddress('fd00::10')],
      ['net1', 'a', parseAddress('10.6.0.20')],
    ],
  );
  const custom = readRoutes(
    pod('routes', [
      { dst: '10.9.0.0/16', gw: '10.6.0.9' },
      { dst: '10.8.0.0/16', gw: '10.99.0.1' },
    ]).podAnnotations,
  );
  const { routes, unmatched } = assignmentRoutes(assignments, custom);
  assert.deepEqual(
    routes.map(({ nic, destination }) => `${nic} /${destination.prefixLength}`),
    ['eth0 /0', 'eth0 /16', 'eth0 /0'],
  );
  assert.equal(unmatched.length, 1);
  // What is held in a later pool is found again before an earlier one gives.
  ledgers.set('b', PoolLedger.read(poolObject('b', { ips: ['10.6.0.10-10.6.0.12'] })));
  ledgers.set(
    'a',
    PoolLedger.read(poolObject('a', {}, { '10.6.0.11': { pod: 'ns/p', podUid: 'u', nic: 'net1' } })),
  );
  assert.deepEqual(
    choose().map(({ pool, held }) => `${pool.name} ${held}`),
    ['b false', 'six false', 'a true'],
  );
  // Reading records costs much. A later pool that cannot hold anything for the pod is not read.
  ledgers.set('a', PoolLedger.read(poolObject('a')));
  read.clear();
  choose();
  assert.deepEqual([...read].toSorted(), ['b', 'six']);
});

test("an exhausted NIC is an error in Spiderpool's words", () => {
  const ledger = PoolLedger.read(poolObject('b', { ips: [] }));
  const candidates = selectCandidates(sources(pod('ippool', { ipv4: ['b'] })));
  assert.throws(() => choosePools({ pod: 'ns/p', podUid: 'u' }, candidates, only(ledger), pickContext()), {
    code: 'IPPOOL_EXHAUSTED',
    message:
      'failed to allocate any IPv4 IP address to NIC eth0 from IPPools [b]: [b: all IP addresses used out]',
  });
});
