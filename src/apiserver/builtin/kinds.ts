// The kinds that the server knows without a CustomResourceDefinition.

import type { Resource } from '../resource.ts';
import { type Schema, TypeTable } from '../schema/index.ts';
import { CONTAINER_TYPES } from './container-types.ts';
import { CORE_TYPES } from './core-types.ts';
import { groupKinds } from './group-kinds.ts';
import { JOB_TYPES } from './job-types.ts';
import type { BuiltIn } from './kind.ts';
import { META_TYPES } from './meta-types.ts';
import { POD_TYPES } from './pod-types.ts';
import { POLICY_TYPES } from './policy-types.ts';
import { REVIEW_TYPES } from './review-types.ts';
import { VOLUME_TYPES } from './volume-types.ts';
import { WEBHOOK_TYPES } from './webhook-types.ts';
import { WORKLOAD_TYPES } from './workload-types.ts';

const core = { group: '', version: 'v1', namespaced: true };
const apps = { group: 'apps', version: 'v1', namespaced: true, status: true, inAll: true };
const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };

const builtIns: readonly BuiltIn[] = [
  {
    ...core,
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    status: true,
    inAll: true,
    subresources: [
      { name: 'binding', group: '', version: 'v1', kind: 'Binding' },
      { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction' },
    ],
    fields: 'spec PodSpec;status PodStatus',
  },
  {
    ...core,
    kind: 'Node',
    plural: 'nodes',
    namespaced: false,
    shortNames: ['no'],
    status: true,
    fields: 'spec NodeSpec;status NodeStatus',
  },
  {
    ...core,
    kind: 'Namespace',
    plural: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    status: true,
    fields: 'spec NamespaceSpec;status NamespaceStatus',
  },
  {
    ...core,
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    status: true,
    inAll: true,
    fields: 'spec ServiceSpec;status ServiceStatus',
  },
  { ...core, kind: 'Endpoints', plural: 'endpoints', shortNames: ['ep'], fields: 'subsets [EndpointSubset]' },
  {
    ...core,
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    fields: 'data {string};binaryData {bytes};immutable bool',
  },
  {
    ...core,
    kind: 'Secret',
    plural: 'secrets',
    fields: 'data {bytes};stringData {string};type string;immutable bool',
  },
  {
    ...core,
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    subresources: [{ name: 'token', group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }],
    fields:
      'secrets [ObjectReference] by name;imagePullSecrets [LocalObjectReference];automountServiceAccountToken bool',
  },
  {
    ...core,
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    fields:
      'involvedObject! ObjectReference;reason string;message string;source EventSource;firstTimestamp time;lastTimestamp time;count int;type string;eventTime time;series EventSeries;action string;related ObjectReference;reportingComponent string;reportingInstance string',
  },
  {
    ...apps,
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    scale: true,
    fields: 'spec DeploymentSpec;status DeploymentStatus',
  },
  {
    ...apps,
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    scale: true,
    fields: 'spec ReplicaSetSpec;status ReplicaSetStatus',
  },
  {
    ...apps,
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    scale: true,
    fields: 'spec StatefulSetSpec;status StatefulSetStatus',
  },
  {
    ...apps,
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    fields: 'spec DaemonSetSpec;status DaemonSetStatus',
  },
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    namespaced: true,
    kind: 'Lease',
    plural: 'leases',
    fields: 'spec LeaseSpec',
  },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    namespaced: true,
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    fields: 'addressType! string;endpoints [EndpointSliceEndpoint];ports [EndpointPort]',
  },
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    namespaced: false,
    status: true,
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    fields: 'spec! CustomResourceDefinitionSpec;status CustomResourceDefinitionStatus',
  },
  { ...rbac, namespaced: true, kind: 'Role', plural: 'roles', fields: 'rules [PolicyRule]' },
  {
    ...rbac,
    namespaced: false,
    kind: 'ClusterRole',
    plural: 'clusterroles',
    fields: 'rules [PolicyRule];aggregationRule object',
  },
  {
    ...rbac,
    namespaced: true,
    kind: 'RoleBinding',
    plural: 'rolebindings',
    fields: 'subjects [Subject];roleRef! RoleRef',
  },
  {
    ...rbac,
    namespaced: false,
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    fields: 'subjects [Subject];roleRef! RoleRef',
  },
  ...groupKinds,
];

const TOP_FIELDS = '\n  apiVersion string\n  kind string\n  metadata ObjectMeta\n  ';

/** All built-in kinds, and the table of their types. */
export function builtInKinds(): { readonly types: TypeTable; readonly resources: Resource[] } {
  const kinds = builtIns.map(
    (kind) =>
      `${kind.kind} ${kind.kind} of ${kind.group || 'core'}/${kind.version}.${TOP_FIELDS}${kind.fields.split(';').join('\n  ')}\n`,
  );
  const types = new TypeTable(
    META_TYPES,
    POD_TYPES,
    CONTAINER_TYPES,
    VOLUME_TYPES,
    CORE_TYPES,
    WORKLOAD_TYPES,
    JOB_TYPES,
    POLICY_TYPES,
    WEBHOOK_TYPES,
    REVIEW_TYPES,
    ...kinds,
  );
  return { types, resources: builtIns.map((kind) => resourceOf(kind, types.get(kind.kind))) };
}

function resourceOf(kind: BuiltIn, schema: Schema): Resource {
  return {
    group: kind.group,
    version: kind.version,
    kind: kind.kind,
    listKind: `${kind.kind}List`,
    plural: kind.plural,
    singular: kind.kind.toLowerCase(),
    namespaced: kind.namespaced,
    shortNames: kind.shortNames ?? [],
    categories: kind.inAll === true ? ['all'] : [],
    statusSubresource: kind.status === true,
    scale: kind.scale === true ? { spec: ['spec', 'replicas'], status: ['status', 'replicas'] } : undefined,
    createOnly: kind.createOnly === true,
    subresources: kind.subresources ?? [],
    schema,
    columns: undefined,
    custom: false,
  };
}
