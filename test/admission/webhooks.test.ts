// Admission by real HTTPS webhooks: the embedded API server calls the controller, which makes the certificates.
/* oxlint-disable typescript/no-unsafe-member-access */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resources } from '#api';
import { until } from '../e2e/program.ts';
import { Cluster } from './cluster.ts';

const cluster = new Cluster();
before(async () => {
  await cluster.start();
  await cluster.install(await cluster.startReplica('one'));
  const type = resources.validatingWebhookConfigurations;
  await until('the certificates are spread', async () => {
    const { webhooks = [] } = await cluster.client().get(type, { name: 'orbweaver' });
    return webhooks.every(({ clientConfig }) => clientConfig.caBundle !== undefined);
  });
});
after(() => cluster.stop());

const pools = '/apis/spiderpool.spidernet.io/v2beta1/spiderippools';
const pool = (name: string, spec: object) => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name },
  spec,
});

test('a pool gets its defaults by a webhook, and a wrong one is refused with field and text', async () => {
  const made = await cluster.call(
    'POST',
    pools,
    pool('a', { subnet: '10.6.0.0/16', ips: ['10.6.0.2', '10.6.0.1'] }),
  );
  assert.equal(made.code, 201, JSON.stringify(made.body));
  assert.deepEqual(made.body.spec.ips, ['10.6.0.1-10.6.0.2']);
  assert.equal(made.body.spec.ipVersion, 4);
  const refused = await cluster.call('POST', pools, pool('b', { subnet: '10.7.0.0/16', ips: ['10.6.0.2'] }));
  assert.equal(refused.code, 422);
  assert.equal(
    refused.body.message,
    'admission webhook "kinds.orbweaver.io" denied the request: SpiderIPPool.spiderpool.spidernet.io "b" is invalid: spec.ips[0]: Invalid value: "10.6.0.2": not match base subnet: 10.7.0.0/16 only has 10.7.0.0-10.7.255.255',
  );
});
