// The embedded API server decides in its own process, a cluster asks webhooks: both give one answer.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-return */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { earlier, neighbours, type RefusedCase, refusedCases } from './cases.ts';
import { type Answer, Cluster, ownAdmission } from './cluster.ts';

const embedded = new Cluster(ownAdmission);
const asking = new Cluster();
const both = [embedded, asking] as const;

before(async () => {
  await Promise.all(both.map((cluster) => cluster.start()));
  await createAll(earlier);
  await asking.install(await asking.startReplica('one'));
  await createAll(neighbours.map((one, index) => ({ ...one, metadata: { name: `neighbour${index}` } })));
});
after(() => Promise.all(both.map((cluster) => cluster.stop())));

function create({ kind, spec, metadata }: Pick<RefusedCase, 'kind' | 'spec' | 'metadata'>) {
  const isNamespaced = kind === 'SpiderMultusConfig';
  const path = `/apis/spiderpool.spidernet.io/v2beta1${isNamespaced ? '/namespaces/default' : ''}/${kind.toLowerCase()}s`;
  const object = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind,
    metadata: { name: 'refused', ...metadata },
    spec,
  };
  return Promise.all(both.map((cluster) => cluster.call('POST', path, object)));
}

async function createAll(objects: typeof earlier): Promise<void> {
  for (const object of objects) {
    for (const { code, body } of await create(object)) assert.equal(code, 201, JSON.stringify(body));
  }
}

/** What a user sees, without the name of the webhook. */
function said({ code, body, warnings }: Answer) {
  const message = body.message?.replace(/^admission webhook "[^"]+" denied the request: /, '');
  return { code, message, reason: body.reason, causes: body.details?.causes, warnings };
}

test('every wrong object is refused with field and text, the same by both', async () => {
  for (const refused of refusedCases) {
    const [one, other] = (await create(refused)).map(said);
    assert.equal(one?.code, 422, `${JSON.stringify(refused)}: ${JSON.stringify(one)}`);
    assert.match(one?.message, refused.text);
    assert.deepEqual(other, one);
  }
});

test('a right object is stored and warned of, the same by both', async () => {
  const spec = { subnet: '10.34.1.0/24', ips: ['10.34.1.255', '10.34.1.250-10.34.1.254'] };
  const answers = await create({ kind: 'SpiderIPPool', spec, metadata: { name: 'edge' } });
  const [one, other] = answers.map(({ code, body, warnings }) => {
    const { labels, finalizers } = body.metadata;
    return { code, spec: body.spec, labels, finalizers, warnings };
  });
  assert.equal(one?.code, 201);
  assert.match(one?.warnings ?? '', /10\.34\.1\.255 is the broadcast address/);
  assert.equal(one?.spec.ips[0], '10.34.1.250-10.34.1.255');
  assert.deepEqual(other, one);
});
