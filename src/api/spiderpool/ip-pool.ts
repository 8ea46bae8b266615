// SpiderIPPool: addresses of one network for pods, and the holders of these addresses.

import { z } from 'zod';
import { conditionsField } from '../core/index.ts';
import { type CustomKind, rules, type ValidationRule } from '../crd/index.ts';
import { labelSelectorSchema, typeFields } from '../metadata.ts';
import { int64, openObject } from '../open-object.ts';
import {
  addressFields,
  addressRules,
  countFields,
  SPIDERPOOL_CATEGORY,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from './address-fields.ts';

const names = z.array(z.string()).optional();

/**
 * A stored pool that breaks a rule cannot be written any more before Kubernetes 1.30, not even its status. So only
 * podAffinity has rules: Spiderpool's webhook refuses the same. Admission checks all three selectors.
 */
const podAffinityRules: readonly ValidationRule[] = [
  {
    rule: '!has(self.podAffinity) || (has(self.podAffinity.matchLabels) && size(self.podAffinity.matchLabels) > 0) || (has(self.podAffinity.matchExpressions) && size(self.podAffinity.matchExpressions) > 0)',
    message: 'empty podAffinity is invalid for SpiderIPPool',
    fieldPath: '.podAffinity',
  },
  {
    rule: "!has(self.podAffinity) || !has(self.podAffinity.matchExpressions) || self.podAffinity.matchExpressions.all(e, (e.operator == 'In' || e.operator == 'NotIn') == (has(e.values) && size(e.values) > 0))",
    message: 'In and NotIn need values, Exists and DoesNotExist have none',
    fieldPath: '.podAffinity.matchExpressions',
  },
];

const specSchema = openObject({
  ...addressFields,
  podAffinity: labelSelectorSchema
    .optional()
    .describe('Only pods with these labels get addresses of this pool.'),
  namespaceAffinity: labelSelectorSchema
    .optional()
    .describe('Only pods in namespaces with these labels; ignored when namespaceName lists any.'),
  namespaceName: names.describe('Only pods in these namespaces; wins over namespaceAffinity.'),
  nodeAffinity: labelSelectorSchema
    .optional()
    .describe('Only pods on nodes with these labels; ignored when nodeName lists any.'),
  nodeName: names.describe('Only pods on these nodes; wins over nodeAffinity.'),
  multusName: names.describe(
    'Only interfaces made from these NetworkAttachmentDefinitions, written namespace/name.',
  ),
  default: z
    .boolean()
    .default(false)
    .describe('Whether pods use this pool when nothing names a pool for them.'),
  disable: z
    .boolean()
    .default(false)
    .describe('Whether the pool allocates no more addresses; allocated addresses stay and can be released.'),
}).meta(rules(...addressRules, ...podAffinityRules));

/** Spiderpool's field for pools that are marked with `ipam.spidernet.io/iaas-provider` (its pull request 5778). */
const ipMetaDataSchema = openObject({
  metadata: z
    .string()
    .optional()
    .describe(
      'Addresses that the provider has made ready, as a JSON object in text: address to mac and vlan of its interface.',
    ),
  observedGeneration: int64()
    .min(0)
    .optional()
    .describe('Generation of the pool that the provider has read.'),
  readyIPCount: int64().min(0).optional().describe('Number of addresses that are ready.'),
  unreadyIPCount: int64().min(0).optional().describe('Number of addresses that are not.'),
});

const statusSchema = openObject({
  allocatedIPs: z
    .string()
    .optional()
    .describe(
      'Holder of each address, as a JSON object in text: address to pod, podUid and nic. Absent when no address is allocated.',
    ),
  ...countFields,
  ipMetaData: ipMetaDataSchema
    .optional()
    .describe('What a provider of an IaaS has made ready; written by the provider alone.'),
  conditions: conditionsField,
});

/** spiderippools.spiderpool.spidernet.io. */
export const spiderIPPoolSchema = openObject({
  ...typeFields,
  spec: specSchema.optional().describe('The addresses and the pods that may use them.'),
  status: statusSchema
    .optional()
    .describe('Allocated addresses; written by the agents; conditions by the controller.'),
}).describe('SpiderIPPool holds addresses of one network for pods.');

export type SpiderIPPool = z.infer<typeof spiderIPPoolSchema>;

/** Where the provider of an IaaS binds an address of a pod: a node, and the MAC address of its NIC, empty if nobody knows. */
const iaasPlaceSchema = openObject({ node: z.string(), parentNicMac: z.string() });

export type IaasPlace = z.infer<typeof iaasPlaceSchema>;

/** One record of `status.allocatedIPs`. `nic` and `iaas` are our fields, and Spiderpool writes the other two. */
export const poolAllocationSchema = openObject({
  /** `namespace/name` of the pod. */
  pod: z.string(),
  podUid: z.string(),
  /** The pod's interface. Two interfaces of one pod can use one pool. */
  nic: z.string().optional(),
  /** Set where the provider of an IaaS may have bound the address. Then it must let go of the address first. */
  iaas: iaasPlaceSchema.optional(),
});

/** The parsed `status.allocatedIPs`. It maps each address, without prefix length, to its holder. */
export const poolAllocationsSchema = z.record(z.string(), poolAllocationSchema);

export type PoolAllocation = z.infer<typeof poolAllocationSchema>;
export type PoolAllocations = z.infer<typeof poolAllocationsSchema>;

export const spiderIPPools: CustomKind<SpiderIPPool> = {
  group: SPIDERPOOL_GROUP,
  version: SPIDERPOOL_VERSION,
  kind: 'SpiderIPPool',
  plural: 'spiderippools',
  singular: 'spiderippool',
  shortNames: ['sp'],
  categories: [SPIDERPOOL_CATEGORY],
  namespaced: false,
  statusSubresource: true,
  schema: spiderIPPoolSchema,
  columns: [
    { name: 'VERSION', type: 'string', jsonPath: '.spec.ipVersion', description: 'Address family.' },
    { name: 'SUBNET', type: 'string', jsonPath: '.spec.subnet', description: 'Network of the addresses.' },
    {
      name: 'ALLOCATED-IP-COUNT',
      type: 'integer',
      jsonPath: '.status.allocatedIPCount',
      description: 'Addresses taken.',
    },
    {
      name: 'TOTAL-IP-COUNT',
      type: 'integer',
      jsonPath: '.status.totalIPCount',
      description: 'Total number of addresses.',
    },
    {
      name: 'DEFAULT',
      type: 'boolean',
      jsonPath: '.spec.default',
      description: 'Whether it is a default pool.',
    },
    {
      name: 'DISABLE',
      type: 'boolean',
      jsonPath: '.spec.disable',
      description: 'Whether it allocates no more addresses.',
      priority: 10,
    },
    {
      name: 'NodeName',
      type: 'string',
      jsonPath: '.spec.nodeName',
      description: 'Nodes that may use the pool.',
      priority: 10,
    },
    {
      name: 'MultusName',
      type: 'string',
      jsonPath: '.spec.multusName',
      description: 'NetworkAttachmentDefinitions that may use the pool.',
      priority: 10,
    },
    {
      name: 'APP-NAMESPACE',
      type: 'string',
      jsonPath: ".spec.podAffinity.matchLabels['ipam\\.spidernet\\.io/app-namespace']",
      description: 'Namespace of the application that the pool was made for.',
      priority: 10,
    },
  ],
};
