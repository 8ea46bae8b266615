// Networks and device resources that a pod gets because it, or its namespace, names a group of SpiderMultusConfigs.

import { type Namespace, NETWORKS_ANNOTATION, type Pod, parseNetworks, type SpiderMultusConfig } from '#api';
import { OrbError } from '#base';
import {
  definitionName,
  INJECT_NETWORK_ANNOTATION,
  INJECT_RDMA_ANNOTATION,
  injectIssues,
  parentedPart,
  resourceName,
  type Spec,
} from '#plan/multus-config';

type Annotations = Readonly<Record<string, string>>;

/** Both annotations, in the order in which they count. */
export const injectAnnotations = [INJECT_RDMA_ANNOTATION, INJECT_NETWORK_ANNOTATION] as const;

/**
 * The pod with the networks and resources of its group; the same object if it belongs to none. What the pod names itself
 * stays, and comes first. The first of {@link injectAnnotations} counts, and the pod's before its namespace's.
 * @throws OrbError INPUT_INVALID if the group has no network, or one that cannot be injected
 */
export function injectedPod(
  pod: Pod,
  { namespace, annotations }: { readonly namespace: string; readonly annotations: Annotations },
  configs: Iterable<SpiderMultusConfig>,
): Pod {
  const asked = injectAnnotations
    .map((key) => ({ key, group: pod.metadata.annotations?.[key] ?? annotations[key] ?? '' }))
    .find(({ group }) => group !== '');
  // A pod on the network of its node has no interfaces of its own.
  if (asked === undefined || pod.spec?.hostNetwork === true) return pod;
  const { key, group } = asked;
  const members = Array.from(configs)
    .filter(({ metadata }) => metadata.labels?.[key] === group && metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  if (members.length === 0) throw refusal(key, group, 'no SpiderMultusConfig belongs to this group');
  for (const member of members) {
    const [issue] = issuesFor(member, key, group);
    if (issue !== undefined) throw refusal(key, group, `${issue.field}: ${issue.message}`);
  }
  return withResources(withNetworks(pod, namespace, members), members);
}

/** Marks a namespace whose annotations ask for injection. The API server finds namespaces by labels alone. */
const INJECTING_LABEL = 'orbweaver.io/injects-networks';

/** The namespace with the label if its annotations ask for injection, and without it otherwise. */
export function labelledNamespace(namespace: Namespace): Namespace {
  const { annotations = {}, labels = {} } = namespace.metadata;
  const asks = injectAnnotations.some((key) => (annotations[key] ?? '') !== '');
  if ((labels[INJECTING_LABEL] === 'true') === asks) return namespace;
  const { [INJECTING_LABEL]: _, ...others } = labels;
  const wanted = { ...others, ...(asks && { [INJECTING_LABEL]: 'true' }) };
  return { ...namespace, metadata: { ...namespace.metadata, labels: wanted } };
}

/** Spiderpool's order: by parent or resource, then by name. It decides which interface is net1. */
function orderOf({ metadata, spec }: SpiderMultusConfig): string {
  const part = spec === undefined ? undefined : parentedPart(spec);
  const [first = ''] = part?.master ?? [];
  const device = part?.bond?.name ?? (first || (spec === undefined ? '' : resourceName(spec)));
  return [device, metadata.namespace, metadata.name].join('\u0000');
}

/** A label may have been set by hand, so the rules of the annotation are checked here too. */
function issuesFor({ metadata, spec }: SpiderMultusConfig, key: string, group: string) {
  const annotations = { ...metadata.annotations, [key]: group };
  return injectIssues({
    metadata: { ...metadata, annotations },
    spec: spec ?? ({ cniType: 'custom' } as Spec),
  });
}

/** Adds the networks that the pod does not name yet. */
function withNetworks(pod: Pod, namespace: string, members: readonly SpiderMultusConfig[]): Pod {
  const text = pod.metadata.annotations?.[NETWORKS_ANNOTATION] ?? '';
  const own = parseNetworks(text, namespace);
  const used = new Set(own.map((selection) => selection.interface));
  const added = members
    .map((member) => ({ namespace: member.metadata.namespace ?? '', name: definitionName(member) }))
    .filter((one) => !own.some((it) => it.namespace === one.namespace && it.name === one.name))
    .map((one, index) => ({ ...one, interface: freeName(used, own.length + index + 1) }));
  if (added.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [NETWORKS_ANNOTATION]: joined(text, added) };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

/** The name by the place in the list, as Multus gives it, unless the pod uses it for another network. */
function freeName(used: Set<string>, place: number): string {
  let number = place;
  while (used.has(`net${number}`)) number += 1;
  used.add(`net${number}`);
  return `net${number}`;
}

/** The annotation keeps its form: a list of names, or JSON. */
function joined(
  text: string,
  added: readonly { readonly namespace: string; readonly name: string; readonly interface: string }[],
): string {
  if (text.includes('[')) return JSON.stringify([...(JSON.parse(text) as object[]), ...added]);
  const names = added.map((one) => `${one.namespace}/${one.name}@${one.interface}`);
  return [...(text.trim() === '' ? [] : [text]), ...names].join(',');
}

/** One of each device that no container asks for, for the first container. */
function withResources(pod: Pod, members: readonly SpiderMultusConfig[]): Pod {
  const [first, ...others] = (pod.spec?.containers ?? []) as Limited[];
  if (first === undefined) return pod;
  const asked = new Set([first, ...others].flatMap(({ resources }) => Object.keys(resources?.limits ?? {})));
  const wanted = members.flatMap(({ spec }) => (spec === undefined ? [] : resourceName(spec)));
  const missing = [...new Set(wanted)].filter((name) => name !== '' && !asked.has(name));
  if (missing.length === 0) return pod;
  const limits = { ...first.resources?.limits, ...Object.fromEntries(missing.map((name) => [name, '1'])) };
  const containers = [{ ...first, resources: { ...first.resources, limits } }, ...others];
  return { ...pod, spec: { ...pod.spec, containers } as Pod['spec'] };
}

type Limited = NonNullable<Pod['spec']>['containers'][number] & {
  readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> };
};

function refusal(key: string, group: string, why: string): OrbError {
  const subject = `annotation ${key}`;
  return new OrbError('INPUT_INVALID', { message: `${subject} ${JSON.stringify(group)}: ${why}`, subject });
}
