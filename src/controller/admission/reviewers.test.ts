// What is judged by the informers, and what by the server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources, type SpiderSubnet } from '#api';
import { FakeClock } from '#base/testing';
import { FakeKube } from '#kube/testing';
import { Claims } from './claims.ts';
import type { ReviewRequest } from './review.ts';
import { type Networks, reviewersOf } from './reviewers.ts';

const subnetWith = (booked: string[]): SpiderSubnet =>
  resources.spiderSubnets.schema.parse({
    metadata: { name: 's', uid: 's' },
    spec: { subnet: '10.6.0.0/16', ipVersion: 4, ips: ['10.6.0.10-10.6.0.19'] },
    status: {
      controlledIPPools: JSON.stringify({ auto: { ips: booked, application: 'apps_v1_Deployment_a_b' } }),
    },
  });

/** What a review of the pool says, and how often the server was read. */
async function reviewed(labels: Record<string, string>, shown: string[], stored: string[]) {
  let reads = 0;
  const networks = (booked: string[]): Networks => ({
    pools: () => [],
    subnets: () => [subnetWith(booked)],
  });
  const cluster = {
    ...networks(shown),
    nodes: () => [],
    multusConfigs: () => [],
    definitions: () => [],
    families: [4, 6] as const,
  };
  const reviewers = reviewersOf({
    cluster,
    claims: new Claims({ client: new FakeKube(), clock: new FakeClock(), namespace: 'kube-system' }),
    pods: { cluster, configs: () => [], namespaceNamed: () => undefined, invalidAnnotations: 'warn' },
    readNetworks: async () => {
      reads += 1;
      return networks(stored);
    },
  });
  const request = {
    uid: 'u',
    kind: { group: 'spiderpool.spidernet.io', version: 'v2beta1', kind: 'SpiderIPPool' },
    resource: { group: 'spiderpool.spidernet.io', version: 'v2beta1', resource: 'spiderippools' },
    ...{ subResource: '', name: 'auto', namespace: '', operation: 'CREATE' as const },
    object: {
      metadata: { name: 'auto', uid: 'a', labels },
      spec: { subnet: '10.6.0.0/16', ipVersion: 4, ips: ['10.6.0.10-10.6.0.12'] },
    },
  } as ReviewRequest;
  const answer = await reviewers.get('/validate')?.(request);
  return { allowed: answer?.allowed, reads };
}

const automatic = { 'ipam.spidernet.io/owner-application-name': 'b' };
const wanted = ['10.6.0.10-10.6.0.12'];

test('an automatic pool whose booking the informers do not show yet is judged by what the server has', async () => {
  assert.deepEqual(await reviewed(automatic, [], wanted), { allowed: true, reads: 1 });
  assert.deepEqual(await reviewed(automatic, [], ['10.6.0.19']), { allowed: false, reads: 1 });
});

test('the server is not read for a pool that the informers allow, nor for one that a user writes', async () => {
  assert.deepEqual(await reviewed(automatic, wanted, []), { allowed: true, reads: 0 });
  const ofOther = ['10.6.0.10-10.6.0.19'];
  assert.equal((await reviewed({}, ofOther, ofOther)).reads, 0);
});
