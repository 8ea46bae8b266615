// Kinds added at run time: schema, defaults, pruning, rules, columns, status, and their end.
// Bodies are untyped on purpose: their form is what is tested.
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument, typescript/no-unsafe-assignment */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Body, Cluster, mergePatch, strategicPatch } from './cluster.ts';

let cluster: Cluster;
const group = `g${crypto.randomUUID().slice(0, 8)}.example.org`;
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.count', statusReplicasPath: '.status.count' },
        },
        additionalPrinterColumns: [
          { name: 'Size', type: 'string', jsonPath: '.spec.size' },
          {
            name: 'Ready',
            type: 'string',
            jsonPath: '.status.conditions[?(@.type=="Ready")].status',
            priority: 1,
          },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                'x-kubernetes-validations': [
                  {
                    rule: '!has(self.low) || !has(self.high) || self.low <= self.high',
                    message: 'low must not be above high',
                  },
                ],
                properties: {
                  size: {
                    type: 'string',
                    enum: ['small', 'large'],
                    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'size is immutable' }],
                  },
                  count: { type: 'integer', minimum: 0, default: 3 },
                  low: { type: 'integer' },
                  high: { type: 'integer' },
                  names: {
                    type: 'array',
                    maxItems: 2,
                    items: { type: 'string', maxLength: 5, pattern: '^[a-z]*$' },
                  },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
};
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
let widgets: string;

before(async () => {
  cluster = await Cluster.open();
  widgets = `/apis/${group}/v1/namespaces/${cluster.namespace}/widgets`;
  await cluster.must('POST', definitions, { body: definition });
  cluster.later(() => cluster.call('DELETE', `${definitions}/${definition.metadata.name}`));
  await cluster.until(`${definitions}/${definition.metadata.name}`, ({ body }) => {
    return body.status?.conditions?.some((it: Body) => it.type === 'Established' && it.status === 'True');
  });
  // A real server serves the path a moment after it says Established.
  await cluster.until(widgets, ({ code }) => code === 200);
});
after(() => cluster.close());

const send = (name: string, spec: Body) => {
  return cluster.call('POST', widgets, {
    body: { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name }, spec },
  });
};

test('defaults are filled in, and unknown fields are dropped unless the schema preserves them', async () => {
  const { code, body } = await send('defaults', {
    size: 'small',
    nonsense: 1,
    free: { any: { thing: true } },
  });
  assert.equal(code, 201);
  assert.deepEqual(body.spec, { size: 'small', count: 3, free: { any: { thing: true } } });
  assert.equal(body.metadata.generation, 1);
});

test('an object that the schema does not allow is invalid, and the error names every wrong field', async () => {
  const { code, body } = await send('wrong', { size: 'huge', count: -1, names: ['UPPER'] });
  assert.equal(code, 422);
  // Among others: kube-apiserver names the path of its rules too, and that it could not check them.
  const fields = new Set(body.details.causes.map((cause: Body) => cause.field));
  for (const field of ['spec.count', 'spec.names[0]', 'spec.size']) assert.ok(fields.has(field), field);
  assert.equal((await send('missing', {})).code, 422);
  assert.equal((await send('typed', { size: 'small', count: 'three' })).code, 422);
});

test('validation rules apply across fields and across versions', async () => {
  const crossed = await send('crossed', { size: 'small', low: 3, high: 2 });
  assert.equal(crossed.code, 422);
  assert.match(crossed.body.message, /low must not be above high/);
  await send('rules', { size: 'small' });
  const changed = await cluster.call('PATCH', `${widgets}/rules`, {
    type: mergePatch,
    body: { spec: { size: 'large' } },
  });
  assert.equal(changed.code, 422);
  assert.match(changed.body.message, /size is immutable/);
  assert.equal(
    (await cluster.call('PATCH', `${widgets}/rules`, { type: mergePatch, body: { spec: { count: 4 } } }))
      .code,
    200,
  );
});

test('status and spec are written apart, and only the spec changes the generation', async () => {
  await send('apart', { size: 'small' });
  const patch = (path: string, body: Body) => cluster.must('PATCH', path, { type: mergePatch, body });
  const both = { spec: { count: 7 }, status: { count: 5 } };
  const viaStatus = await patch(`${widgets}/apart/status`, both);
  assert.deepEqual([viaStatus.spec.count, viaStatus.status.count, viaStatus.metadata.generation], [3, 5, 1]);
  const viaObject = await patch(`${widgets}/apart`, { spec: { count: 7 }, status: { count: 9 } });
  assert.deepEqual([viaObject.spec.count, viaObject.status.count, viaObject.metadata.generation], [7, 5, 2]);
  const scale = await cluster.must('GET', `${widgets}/apart/scale`);
  assert.deepEqual([scale.spec.replicas, scale.status.replicas], [7, 5]);
});

test('a strategic merge patch of a custom resource is an unsupported media type', async () => {
  await send('strategic', { size: 'small' });
  const { code } = await cluster.call('PATCH', `${widgets}/strategic`, { type: strategicPatch, body: {} });
  assert.equal(code, 415);
});

test('printer columns define the table', async () => {
  await send('printed', { size: 'large' });
  await cluster.must('PATCH', `${widgets}/printed/status`, {
    type: mergePatch,
    body: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
  });
  const body = await cluster.must('GET', `${widgets}/printed`, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  assert.deepEqual(
    body.columnDefinitions.map((it: Body) => [it.name, it.priority]),
    [
      ['Name', 0],
      ['Size', 0],
      ['Ready', 1],
    ],
  );
  assert.deepEqual(body.rows[0].cells, ['printed', 'large', 'True']);
});

test('a definition is deleted together with its objects', async () => {
  const gone = {
    ...definition,
    metadata: { name: `gadgets.${group}` },
    spec: { ...definition.spec, names: { plural: 'gadgets', kind: 'Gadget' } },
  };
  await cluster.must('POST', definitions, { body: gone });
  const gadgets = `/apis/${group}/v1/namespaces/${cluster.namespace}/gadgets`;
  await cluster.until(gadgets, ({ code }) => code === 200);
  await cluster.must('POST', gadgets, {
    body: { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'g' }, spec: { size: 'small' } },
  });
  await cluster.must('DELETE', `${definitions}/gadgets.${group}`);
  await cluster.until(`${definitions}/gadgets.${group}`, ({ code }) => code === 404);
  assert.equal((await cluster.call('GET', gadgets)).code, 404);
});
