// The columns of built-in kinds, as kubectl users know them.

import {
  type ApiObject,
  isObject,
  type Json,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  textsAt,
} from '../json.ts';
import { ageColumn, type Column, column, field, nameColumn } from './column.ts';
import { ageOf } from './duration.ts';
import { podColumns } from './pod-columns.ts';

const integer = { type: 'integer' };
const wide = { wide: true };

function count(...path: string[]): Column['cell'] {
  return (object) => numberAt(object, ...path) ?? 0;
}

function containers(key: 'name' | 'image', ...path: string[]): Column['cell'] {
  return (object) =>
    listAt(object, ...path)
      .map((it) => stringAt(it, key) ?? '')
      .join(',');
}

/** Containers, images and selector of a workload, for `-o wide`. */
const workloadWide: readonly Column[] = [
  column('Containers', containers('name', 'spec', 'template', 'spec', 'containers'), wide),
  column('Images', containers('image', 'spec', 'template', 'spec', 'containers'), wide),
  column('Selector', (object) => selectorText(objectAt(object, 'spec', 'selector')), wide),
];

function selectorText(selector: Json): string {
  const labels = Object.entries(objectAt(selector, 'matchLabels')).map(
    ([key, value]) => `${key}=${String(value as string)}`,
  );
  const expressions = listAt(selector, 'matchExpressions').map((it) => {
    const operator = (stringAt(it, 'operator') ?? '').toLowerCase();
    return `${stringAt(it, 'key') ?? ''} ${operator} (${textsAt(it, 'values').join(',')})`;
  });
  return [...labels, ...expressions].join(',') || '<none>';
}

const services: readonly Column[] = [
  nameColumn,
  column('Type', field('ClusterIP', 'spec', 'type')),
  column('Cluster-IP', field('<none>', 'spec', 'clusterIP')),
  column('External-IP', externalIp),
  column('Port(s)', servicePorts),
  ageColumn,
  column(
    'Selector',
    (service) => {
      const labels = Object.entries(objectAt(service, 'spec', 'selector'));
      return labels.map(([key, value]) => `${key}=${String(value as string)}`).join(',') || '<none>';
    },
    wide,
  ),
];

function externalIp(service: ApiObject): string {
  const type = stringAt(service, 'spec', 'type');
  if (type === 'ExternalName') return stringAt(service, 'spec', 'externalName') ?? '<none>';
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress').map(
    (it) => stringAt(it, 'ip') ?? stringAt(it, 'hostname'),
  );
  const all = [...(type === 'LoadBalancer' ? ingress : []), ...textsAt(service, 'spec', 'externalIPs')];
  return all.join(',') || (type === 'LoadBalancer' ? '<pending>' : '<none>');
}

function servicePorts(service: ApiObject): string {
  const ports = listAt(service, 'spec', 'ports').map((port) => {
    const node = numberAt(port, 'nodePort') ?? 0;
    return `${numberAt(port, 'port') ?? 0}${node === 0 ? '' : `:${node}`}/${stringAt(port, 'protocol') ?? 'TCP'}`;
  });
  return ports.join(',') || '<none>';
}

const nodes: readonly Column[] = [
  nameColumn,
  column('Status', nodeStatus),
  column('Roles', nodeRoles),
  ageColumn,
  column('Version', field('', 'status', 'nodeInfo', 'kubeletVersion')),
  column('Internal-IP', nodeAddress('InternalIP'), wide),
  column('External-IP', nodeAddress('ExternalIP'), wide),
  column('OS-Image', field('<unknown>', 'status', 'nodeInfo', 'osImage'), wide),
  column('Kernel-Version', field('<unknown>', 'status', 'nodeInfo', 'kernelVersion'), wide),
  column('Container-Runtime', field('<unknown>', 'status', 'nodeInfo', 'containerRuntimeVersion'), wide),
];

function nodeStatus(node: ApiObject): string {
  const ready = listAt(node, 'status', 'conditions').find((it) => stringAt(it, 'type') === 'Ready');
  const texts = [
    ready === undefined ? 'Unknown' : stringAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady',
  ];
  if (objectAt(node, 'spec').unschedulable === true) texts.push('SchedulingDisabled');
  return texts.join(',');
}

function nodeRoles(node: ApiObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const labels = Object.keys(objectAt(node, 'metadata', 'labels')).filter((label) =>
    label.startsWith(prefix),
  );
  return (
    labels
      .map((label) => label.slice(prefix.length))
      .sort()
      .join(',') || '<none>'
  );
}

function nodeAddress(type: string): Column['cell'] {
  return (node) => {
    const found = listAt(node, 'status', 'addresses').find((it) => stringAt(it, 'type') === type);
    return stringAt(found, 'address') ?? '<none>';
  };
}

const events: readonly Column[] = [
  column('Last Seen', (event, nowMs) => {
    const at =
      stringAt(event, 'lastTimestamp') ?? stringAt(event, 'eventTime') ?? stringAt(event, 'firstTimestamp');
    return ageOf(at ?? event.metadata.creationTimestamp, nowMs);
  }),
  column('Type', field('', 'type')),
  column('Reason', field('', 'reason')),
  column('Object', (event) => {
    const about = objectAt(event, 'involvedObject');
    return `${(stringAt(about, 'kind') ?? '').toLowerCase()}/${stringAt(about, 'name') ?? ''}`;
  }),
  column('Subobject', field('', 'involvedObject', 'fieldPath'), wide),
  column(
    'Source',
    (event) =>
      [stringAt(event, 'source', 'component'), stringAt(event, 'source', 'host')].filter(Boolean).join(', '),
    wide,
  ),
  column('Message', (event) => (stringAt(event, 'message') ?? '').trim()),
  column('Count', count('count'), { type: 'integer', wide: true }),
  column('Name', (event) => event.metadata.name, wide),
];

function addressesOfSlice(slice: ApiObject): string {
  const all = listAt(slice, 'endpoints').flatMap((endpoint) => textsAt(endpoint, 'addresses'));
  if (all.length === 0) return '<unset>';
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',');
}

function addressesOfEndpoints(object: ApiObject): string {
  const pairs = listAt(object, 'subsets').flatMap((subset) => {
    const ips = listAt(subset, 'addresses').map((it) => stringAt(it, 'ip') ?? '');
    const ports = listAt(subset, 'ports').map((it) => numberAt(it, 'port') ?? 0);
    return ips.flatMap((ip) =>
      ports.length === 0 ? [ip] : ports.map((port) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`),
    );
  });
  return pairs.join(',') || '<none>';
}

/** Keyed by `plural.group`. */
export const builtInColumns: Readonly<Record<string, readonly Column[]>> = {
  'pods.': podColumns,
  'nodes.': nodes,
  'services.': services,
  'events.': events,
  'namespaces.': [nameColumn, column('Status', field('Active', 'status', 'phase')), ageColumn],
  'endpoints.': [nameColumn, column('Endpoints', addressesOfEndpoints), ageColumn],
  'configmaps.': [
    nameColumn,
    column('Data', (object) => entries(object, 'data') + entries(object, 'binaryData')),
    ageColumn,
  ],
  'secrets.': [
    nameColumn,
    column('Type', field('Opaque', 'type')),
    column('Data', (object) => entries(object, 'data'), integer),
    ageColumn,
  ],
  'serviceaccounts.': [
    nameColumn,
    column('Secrets', (object) => listAt(object, 'secrets').length, integer),
    ageColumn,
  ],
  'deployments.apps': [
    nameColumn,
    column(
      'Ready',
      (it) => `${numberAt(it, 'status', 'readyReplicas') ?? 0}/${numberAt(it, 'spec', 'replicas') ?? 1}`,
    ),
    column('Up-to-date', count('status', 'updatedReplicas'), integer),
    column('Available', count('status', 'availableReplicas'), integer),
    ageColumn,
    ...workloadWide,
  ],
  'replicasets.apps': [
    nameColumn,
    column('Desired', count('spec', 'replicas'), integer),
    column('Current', count('status', 'replicas'), integer),
    column('Ready', count('status', 'readyReplicas'), integer),
    ageColumn,
    ...workloadWide,
  ],
  'statefulsets.apps': [
    nameColumn,
    column(
      'Ready',
      (it) => `${numberAt(it, 'status', 'readyReplicas') ?? 0}/${numberAt(it, 'spec', 'replicas') ?? 1}`,
    ),
    ageColumn,
    ...workloadWide.slice(0, 2),
  ],
  'daemonsets.apps': [
    nameColumn,
    column('Desired', count('status', 'desiredNumberScheduled'), integer),
    column('Current', count('status', 'currentNumberScheduled'), integer),
    column('Ready', count('status', 'numberReady'), integer),
    column('Up-to-date', count('status', 'updatedNumberScheduled'), integer),
    column('Available', count('status', 'numberAvailable'), integer),
    column('Node Selector', (it) => {
      const labels = Object.entries(objectAt(it, 'spec', 'template', 'spec', 'nodeSelector'));
      return labels.map(([key, value]) => `${key}=${String(value as string)}`).join(',') || '<none>';
    }),
    ageColumn,
    ...workloadWide,
  ],
  'leases.coordination.k8s.io': [
    nameColumn,
    column('Holder', field('', 'spec', 'holderIdentity')),
    ageColumn,
  ],
  'endpointslices.discovery.k8s.io': [
    nameColumn,
    column('AddressType', field('', 'addressType')),
    column(
      'Ports',
      (slice) =>
        listAt(slice, 'ports')
          .map((it) => numberAt(it, 'port') ?? '*')
          .join(',') || '<unset>',
    ),
    column('Endpoints', addressesOfSlice),
    ageColumn,
  ],
  'customresourcedefinitions.apiextensions.k8s.io': [
    nameColumn,
    column('Created At', (object) => stringAt(object, 'metadata', 'creationTimestamp') ?? ''),
  ],
};

function entries(object: ApiObject, name: string): number {
  const at = object[name];
  return isObject(at) ? Object.keys(at).length : 0;
}
