// The columns of built-in kinds, as in kubectl.

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
import { groupColumns } from './group-columns.ts';
import { nodeColumns } from './node-columns.ts';
import { podColumns } from './pod-columns.ts';
import { addressesOfEndpoints, addressesOfSlice, serviceColumns } from './service-columns.ts';

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

/** Keyed by `plural.group`. */
export const builtInColumns: Readonly<Record<string, readonly Column[]>> = {
  ...groupColumns,
  'pods.': podColumns,
  'nodes.': nodeColumns,
  'services.': serviceColumns,
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
