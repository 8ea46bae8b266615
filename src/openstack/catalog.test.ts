import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOrbError } from '#base';
import { endpointOf } from './catalog.ts';

const endpoint = (region: string, url: string, name = 'public') => ({ interface: name, region, url });
const catalog = [
  { type: 'identity', endpoints: [endpoint('A', 'http://identity')] },
  {
    type: 'network',
    endpoints: [
      endpoint('A', 'http://a'),
      endpoint('B', 'http://b'),
      endpoint('A', 'http://a-internal', 'internal'),
    ],
  },
  { type: 'compute', endpoints: [endpoint('A', 'ftp://a')] },
];

const unclear = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isOrbError(error, 'OPENSTACK_ENDPOINT_UNCLEAR'));
  assert.match(error.message, pattern);
  return true;
};

test('an endpoint is that of the region and the interface', () => {
  assert.equal(endpointOf(catalog, 'network', { region: 'B', interface: 'public' }).href, 'http://b/');
  assert.equal(
    endpointOf(catalog, 'network', { region: undefined, interface: 'internal' }).href,
    'http://a-internal/',
  );
});

for (const [what, region, wanted, pattern] of [
  ['two regions need a name', undefined, 'public', /2 public endpoints of network in regions A, B: name one/],
  ['an unknown region is refused', 'C', 'public', /no endpoint of network in region C; it has A, B/],
  ['an unknown interface is refused', 'A', 'admin', /no admin endpoint of network; it has internal, public/],
] as const) {
  test(what, () => {
    assert.throws(() => endpointOf(catalog, 'network', { region, interface: wanted }), unclear(pattern));
  });
}

test('a service that the cloud lacks, and an endpoint that is no URL of HTTP, are refused', () => {
  const wanted = { region: 'A', interface: 'public' } as const;
  assert.throws(() => endpointOf([], 'network', wanted), unclear(/no service of type network/));
  assert.throws(() => endpointOf(catalog, 'compute', wanted), unclear(/no http or https URL: "ftp:\/\/a"/));
});
