// OpenAPI v3: one document for each group and version; kubectl explain and apply read it.

import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { Resource } from '../resource.ts';
import type { TypeTable } from '../schema/index.ts';
import { Definitions, definitionName } from './definitions.ts';

/** The list of documents (/openapi/v3). */
export function openApiIndex(registry: Registry, types: TypeTable): Json {
  const paths: JsonObject = {};
  for (const [group, versions] of registry.groups()) {
    for (const version of versions.keys()) {
      const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
      const text = JSON.stringify(openApiDocument(registry, types, path));
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase();
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
  }
  return { paths };
}

/** The document of `api/v1` or `apis/GROUP/VERSION`; undefined when that is not served. */
export function openApiDocument(registry: Registry, types: TypeTable, path: string): Json | undefined {
  const parts = path.split('/');
  const [group = '', version = ''] = parts[0] === 'api' ? ['', parts[1]] : [parts[1], parts[2]];
  const resources = registry.groups().get(group)?.get(version);
  if (resources === undefined) return undefined;
  const definitions = new Definitions(types, '#/components/schemas/');
  const paths: JsonObject = {};
  for (const resource of resources) {
    definitions.add(resource);
    Object.assign(paths, pathsOf(resource, `/${path}`));
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths,
    components: { schemas: definitions.schemas },
  };
}

function pathsOf(resource: Resource, base: string): JsonObject {
  const { group, version, kind, plural, namespaced } = resource;
  const collection = namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`;
  const schema = { $ref: `#/components/schemas/${definitionName(resource)}` };
  const about = { 'x-kubernetes-group-version-kind': { group, version, kind } };
  const answer = { 200: { description: 'OK', content: { 'application/json': { schema } } } };
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => {
    return { name, in: 'query', schema: { type: 'string', uniqueItems: true } };
  });
  const write = (action: string) => ({
    ...about,
    'x-kubernetes-action': action,
    parameters,
    responses: answer,
  });
  if (resource.createOnly === true) return { [collection]: { post: write('post') } };
  const read = (action: string) => ({ ...about, 'x-kubernetes-action': action, responses: answer });
  return {
    [collection]: { get: read('list'), post: write('post'), delete: read('deletecollection') },
    [`${collection}/{name}`]: {
      get: read('get'),
      put: write('put'),
      patch: write('patch'),
      delete: read('delete'),
    },
  };
}
