// Manifests as users have them: every field is known, every configuration and annotation can be read.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { parseNetConfList } from './cni/net-conf.ts';
import { type OpenApiSchema, structuralSchema } from './crd/structural.ts';
import { parseDefaultNetwork, parseNetworks } from './multus.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from './resource.ts';
import { resources } from './resources.ts';
import { issuesOf } from './validation.ts';

const repository = join(import.meta.dirname, '../..');
const fixtures = join(repository, 'test/fixtures/manifests');
const files = [
  ...readdirSync(fixtures).map((name) => join(fixtures, name)),
  join(repository, 'examples/underlay.yaml'),
];
const kinds: readonly ResourceType[] = Object.values(resources);

function objects(file: string): KubeObject[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as KubeObject);
}

function resourceOf(object: KubeObject): ResourceType {
  const found = kinds.find((kind) => kind.kind === object.kind && apiVersionOf(kind) === object.apiVersion);
  assert.ok(found, `${object.apiVersion} ${object.kind} is no kind of ours`);
  return found;
}

/** Fields that an API server with strict field validation would refuse. */
function unknownFields(schema: OpenApiSchema, value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || schema['x-kubernetes-preserve-unknown-fields'])
    return [];
  if (Array.isArray(value))
    return value.flatMap((item) => unknownFields(schema.items ?? {}, item, `${path}[]`));
  return Object.entries(value).flatMap(([name, field]) => {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    return known === undefined ? [`${path}.${name}`] : unknownFields(known, field, `${path}.${name}`);
  });
}

for (const file of files) {
  test(`every object of ${file.slice(repository.length + 1)} is accepted as it is`, () => {
    for (const object of objects(file)) {
      const { schema } = resourceOf(object);
      assert.deepEqual(issuesOf(schema, object), []);
      assert.deepEqual(unknownFields(structuralSchema(schema), object), []);
    }
  });

  test(`every network and annotation of ${file.slice(repository.length + 1)} can be read`, () => {
    for (const object of objects(file)) {
      const { spec } = object as {
        spec?: { config?: string; template?: { metadata: KubeObject['metadata'] } };
      };
      if (spec?.config !== undefined) {
        const list = parseNetConfList(spec.config, { subject: `${object.kind} ${object.metadata.name}` });
        assert.equal(list.plugins.length, 2);
      }
      const annotations = spec?.template?.metadata.annotations ?? {};
      const defaultNetwork = annotations['v1.multus-cni.io/default-network'];
      if (defaultNetwork !== undefined)
        assert.equal(parseDefaultNetwork(defaultNetwork, 'x').namespace, 'kube-system');
      const networks = annotations['k8s.v1.cni.cncf.io/networks'];
      if (networks !== undefined) assert.equal(parseNetworks(networks, 'x')[0]?.interface, 'net1');
    }
  });
}

test('every kind has a schema that a structural OpenAPI schema can express', () => {
  for (const { schema, kind } of kinds) assert.ok(structuralSchema(schema).description, kind);
});

test('a Service keeps its unknown fields', () => {
  const service = {
    metadata: { name: 's' },
    spec: { ports: [{ port: 80, targetPort: 'http' }], loadBalancerClass: 'x' },
  };
  assert.deepEqual(resources.services.schema.parse(service), service);
});

test('a core object with a wrong field is refused with the name of the field', () => {
  const refused = issuesOf(resources.services.schema, {
    metadata: {},
    spec: { ports: [{ port: 0 }], ipFamilies: ['IPv5'] },
  });
  assert.deepEqual(refused, [
    { field: 'spec.ports[0].port', value: 0, message: 'must be at least 1' },
    { field: 'spec.ipFamilies[0]', value: 'IPv5', message: 'is not one of IPv4, IPv6' },
  ]);
});
