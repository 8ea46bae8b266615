// SpiderCoordinator: the cluster's settings for routes, veth and hijacked networks of underlay pods.

import { z } from 'zod';
import { conditionsField } from '../core/index.ts';
import { type CustomKind, rules } from '../crd/index.ts';
import { typeFields } from '../metadata.ts';
import { int64, openObject, partOf } from '../open-object.ts';
import { routeSchema, SPIDERPOOL_CATEGORY, SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from './address-fields.ts';
import { logOptionsSchema } from './log-options.ts';

/** Spiderpool's CRD says `disabled`, and its plugin says `disable`. Both mean "do nothing". */
export const coordinatorModes = ['auto', 'underlay', 'overlay', 'disable', 'disabled'] as const;
export const podCIDRTypes = ['auto', 'cluster', 'calico', 'cilium', 'none'] as const;

/** Two bytes of a unicast MAC address, or nothing. The low bit of the first byte is the multicast bit (IEEE 802). */
const macPrefix = ruledText(
  /^([0-9a-fA-F][02468aceACE]:[0-9a-fA-F]{2})?$/,
  5,
  'must be the first two bytes of a unicast MAC address, for example 0a:1b',
);

/**
 * The characters of addresses and CIDRs. Admission checks the value. Regular expressions of the API server have no
 * look-ahead.
 */
const NETWORK_TEXT = /^\s*[0-9a-fA-F:.]+(\/[0-9]{1,3})?\s*$/;
const ipv4Text = ruledText(/^([0-9]{1,3}([.][0-9]{1,3}){3})?$/, 15, 'must be an IPv4 address');
const nicName = ruledText(
  /^[^/:\s]{0,15}$/,
  15,
  'must be the name of an interface: at most 15 characters without "/", ":" and blanks',
);

/** Text with a rule that says in words what is allowed. A pattern of OpenAPI would only be shown. */
function ruledText(pattern: RegExp, longest: number, message: string) {
  return z
    .string()
    .max(longest, { abort: true })
    .refine((text) => pattern.test(text), { error: message })
    .meta(rules({ rule: `self.matches(${JSON.stringify(pattern.source)})`, message }));
}

const foreignTable = {
  rule: 'self < 253 || self > 255',
  message: 'must be a table other than default, main and local (253 to 255)',
};

/** `auto`: as `ebpf` on nodes that can, and nobody is warned of the others. */
export const serviceModeSchema = z.enum(['kube-proxy', 'ebpf', 'auto']);

export type ServiceMode = z.infer<typeof serviceModeSchema>;

/** The fields that have a default in a SpiderCoordinator. */
const defaultedFields = {
  mode: z
    .enum(coordinatorModes)
    .describe(
      'How pods reach ClusterIPs and their own node: underlay uses a veth pair, overlay uses eth0, auto decides for each pod.',
    ),
  tunePodRoutes: z.boolean().describe('Whether routes are tuned in pods with several interfaces.'),
  hostRuleTable: int64()
    .meta(rules(foreignTable))
    .describe('Routing table of the node that holds the routes to pods.'),
  podRPFilter: int64()
    .max(2)
    .describe('rp_filter inside the pod: 0 off, 1 strict, 2 loose; negative values leave it unchanged.'),
  txQueueLen: int64().min(0).describe('Transmit queue length of the interface; 0 leaves it unchanged.'),
};

/**
 * The fields that SpiderCoordinator's spec and SpiderMultusConfig share. A default here would override the
 * SpiderCoordinator in every SpiderMultusConfig, so there is none.
 */
export const coordinatorFields = {
  mode: defaultedFields.mode.optional(),
  podCIDRType: z
    .enum(podCIDRTypes)
    .optional()
    .describe(
      'Where the networks of overlay pods are read from; auto reads the CNI configuration of the node.',
    ),
  hijackCIDR: z
    .array(z.string().max(64).regex(NETWORK_TEXT))
    .optional()
    .describe('More networks that pods reach through their node, as CIDRs or addresses.'),
  policyRoutes: z.array(routeSchema).optional().describe('Routes through the current interface.'),
  podMACPrefix: macPrefix
    .optional()
    .describe(
      'First two bytes of the MAC addresses of pods, for example 0a:1b; the other bytes come from the address.',
    ),
  tunePodRoutes: defaultedFields.tunePodRoutes.optional(),
  podDefaultRouteNIC: nicName
    .optional()
    .describe('Interface that keeps the default route; empty changes no default route.'),
  hostRuleTable: defaultedFields.hostRuleTable.optional(),
  podRPFilter: defaultedFields.podRPFilter.optional(),
  txQueueLen: defaultedFields.txQueueLen.optional(),
  vethLinkAddress: ipv4Text
    .optional()
    .describe('IPv4 address of the veth interface inside the pod; service meshes need it.'),
  vethMTU: int64().min(68).max(65_535).optional().describe('MTU in bytes of the veth pair; 1500 unless set.'),
  logOptions: logOptionsSchema
    .optional()
    .describe(
      'Log of the coordinator plugin. The agent has one log of its own, so the values have no effect here.',
    ),
};

/** A field of a newer Spiderpool is kept, and a warning names it (docs/adr/0031). */
const specSchema = partOf({
  ...coordinatorFields,
  mode: defaultedFields.mode.default('auto'),
  tunePodRoutes: defaultedFields.tunePodRoutes.default(true),
  hostRuleTable: defaultedFields.hostRuleTable.default(500),
  podRPFilter: defaultedFields.podRPFilter.default(0),
  txQueueLen: defaultedFields.txQueueLen.default(0),
  // No field of Spiderpool.
  serviceMode: serviceModeSchema
    .optional()
    .describe(
      'Who serves Services to sockets of the nodes: kube-proxy alone, or the agents before it (ebpf; auto where a node can). Unset: the configuration of each agent says it.',
    ),
});

const statusSchema = openObject({
  phase: z.string().describe('Synced or NotReady.'),
  reason: z.string().optional().describe('Reason for the phase.'),
  overlayPodCIDR: z
    .array(z.string())
    .optional()
    .describe('Networks of overlay pods that were found in the cluster.'),
  serviceCIDR: z
    .array(z.string())
    .optional()
    .describe('Networks of Services that were found in the cluster.'),
  conditions: conditionsField,
});

/** spidercoordinators.spiderpool.spidernet.io. Only the one with the name `default` is used. */
export const spiderCoordinatorSchema = openObject({
  ...typeFields,
  spec: specSchema.optional().describe('Settings; a NetworkAttachmentDefinition can override most of them.'),
  status: statusSchema.optional().describe('State that was found in the cluster.'),
}).describe(
  'SpiderCoordinator holds the settings for the routes of pods to Services, their node and overlay pods.',
);

export type SpiderCoordinator = z.infer<typeof spiderCoordinatorSchema>;

export const spiderCoordinators: CustomKind<SpiderCoordinator> = {
  group: SPIDERPOOL_GROUP,
  version: SPIDERPOOL_VERSION,
  kind: 'SpiderCoordinator',
  plural: 'spidercoordinators',
  singular: 'spidercoordinator',
  shortNames: ['scc'],
  categories: [SPIDERPOOL_CATEGORY],
  namespaced: false,
  statusSubresource: true,
  schema: spiderCoordinatorSchema,
  columns: [],
};
