// Discovery: the served groups, versions and resources, one by one and aggregated (Kubernetes API concepts, "API Discovery").

import type { Json, JsonObject } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { Resource } from '../resource.ts';

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** The verbs of a kind. */
function verbsOf(resource: Resource): string[] {
  return resource.createOnly === true ? ['create'] : [...allVerbs];
}

const GROUP_MEDIA = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** A document and its media type. */
export interface Document {
  readonly body: Json;
  readonly type: string;
}

/** The document at a discovery path; undefined when the path does not exist. */
export function discovery(registry: Registry, path: string, accept: string): Document | undefined {
  const aggregated = accept.includes('as=APIGroupDiscoveryList') && accept.includes('v=v2');
  const parts = path.split('/').filter((part) => part !== '');
  if (parts[0] === 'api' && parts.length === 1)
    return aggregated ? aggregate(registry, true) : plain(coreVersions());
  if (parts[0] === 'apis' && parts.length === 1)
    return aggregated ? aggregate(registry, false) : plain(groupList(registry));
  if (parts[0] === 'apis' && parts.length === 2) return maybe(group(registry, parts[1] ?? ''));
  if (parts[0] === 'api' && parts.length === 2) return maybe(resourceList(registry, '', parts[1] ?? ''));
  if (parts[0] === 'apis' && parts.length === 3)
    return maybe(resourceList(registry, parts[1] ?? '', parts[2] ?? ''));
  return undefined;
}

function plain(body: Json): Document {
  return { body, type: 'application/json' };
}

function maybe(body: Json | undefined): Document | undefined {
  return body === undefined ? undefined : plain(body);
}

function coreVersions(): Json {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

function groupList(registry: Registry): Json {
  const names = [...registry.groups().keys()].filter((name) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map((name) => groupBody(registry, name)) };
}

function group(registry: Registry, name: string): Json | undefined {
  return registry.groups().has(name) && name !== ''
    ? { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(registry, name) }
    : undefined;
}

function groupBody(registry: Registry, name: string): JsonObject {
  const versions = [...(registry.groups().get(name)?.keys() ?? [])].sort(byPriority);
  const shown = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: shown, preferredVersion: shown[0] ?? {} };
}

/** GA before beta before alpha, higher before lower (Kubernetes: "Version priority"). */
export function byPriority(a: string, b: string): number {
  const rank = (version: string): number[] => {
    const found = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (found === null) return [-1, 0, 0];
    return [
      found[2] === undefined ? 2 : found[2] === 'beta' ? 1 : 0,
      Number(found[1]),
      Number(found[3] ?? 0),
    ];
  };
  const [ranksA, ranksB] = [rank(a), rank(b)];
  for (let at = 0; at < 3; at++) {
    const difference = (ranksB[at] ?? 0) - (ranksA[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

function resourceList(registry: Registry, name: string, version: string): Json | undefined {
  const resources = registry.groups().get(name)?.get(version);
  if (resources === undefined) return undefined;
  const groupVersion = name === '' ? version : `${name}/${version}`;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.flatMap(listed) };
}

function listed(resource: Resource): Json[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = resource;
  const names = {
    ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
    ...(categories.length > 0 && { categories: [...categories] }),
  };
  const own = { name: plural, singularName: singular, namespaced, kind, verbs: verbsOf(resource), ...names };
  const below = subresources(resource).map((sub): Json => {
    const { name, group, version, kind: itsKind, verbs: itsVerbs } = sub;
    return {
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      group,
      version,
      kind: itsKind,
      verbs: itsVerbs,
    };
  });
  return [own, ...below];
}

function subresources(
  resource: Resource,
): { name: string; group: string; version: string; kind: string; verbs: string[] }[] {
  const { group: itsGroup, version, kind } = resource;
  const readWrite = ['get', 'patch', 'update'];
  return [
    ...(resource.statusSubresource
      ? [{ name: 'status', group: itsGroup, version, kind, verbs: readWrite }]
      : []),
    ...(resource.scale === undefined
      ? []
      : [{ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: readWrite }]),
    ...(resource.subresources ?? []).map((it) => ({ ...it, verbs: ['create'] })),
  ];
}

function aggregate(registry: Registry, core: boolean): Document {
  const groups = [...registry.groups()].filter(([name]) => (name === '') === core);
  const items = groups.map(([name, versions]): Json => {
    const sorted = [...versions].sort(([a], [b]) => byPriority(a, b));
    const shown = sorted.map(([version, resources]): Json => {
      return { version, resources: resources.map(aggregated), freshness: 'Current' };
    });
    return { metadata: { name, creationTimestamp: null }, versions: shown };
  });
  const body = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  return { body, type: GROUP_MEDIA };
}

function aggregated(resource: Resource): Json {
  const { group: itsGroup, version, kind, plural, singular, namespaced, shortNames, categories } = resource;
  return {
    resource: plural,
    responseKind: { group: itsGroup, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: verbsOf(resource),
    ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
    ...(categories.length > 0 && { categories: [...categories] }),
    subresources: subresources(resource).map((sub) => ({
      subresource: sub.name,
      responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
      verbs: sub.verbs,
    })),
  };
}
