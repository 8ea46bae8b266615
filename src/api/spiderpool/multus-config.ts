// SpiderMultusConfig: a typed CNI configuration from which a NetworkAttachmentDefinition is rendered.

import { z } from 'zod';
import { conditionsField } from '../core/index.ts';
import { type CustomKind, rules, type ValidationRule } from '../crd/index.ts';
import { typeFields } from '../metadata.ts';
import { int32, int64, openObject, partOf } from '../open-object.ts';
import { SPIDERPOOL_CATEGORY, SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from './address-fields.ts';
import { coordinatorFields } from './coordinator.ts';
import { logOptionsSchema } from './log-options.ts';

export const cniTypes = ['macvlan', 'ipvlan', 'vlan', 'sriov', 'ovs', 'ib-sriov', 'ipoib', 'custom'] as const;

const text = z.string().optional();
const mtu = int32().min(0).default(0).describe('MTU in bytes; 0 leaves the default.');
const vlanID = int32().min(0).max(4094).optional();

const ippools = partOf({
  ipv4: z.array(z.string()).optional().describe('SpiderIPPools for IPv4, tried in order.'),
  ipv6: z.array(z.string()).optional().describe('SpiderIPPools for IPv6, tried in order.'),
  matchMasterSubnet: z
    .boolean()
    .default(false)
    .describe('Whether only pools are used whose subnet is that of the parent interface (sriov only).'),
})
  .optional()
  .describe('Pools for the interface when no annotation names any.');

const bond = partOf({
  name: z.string().min(1).max(15).describe('Name of the bond interface.'),
  mode: int32().min(0).max(6).describe('Bonding mode by number: 0 balance-rr … 6 balance-alb.'),
  options: text.describe('More options as key=value, separated by semicolons.'),
})
  .optional()
  .describe('Bond of the parents; required when there are several parents.');

const parents = {
  master: z
    .array(z.string().min(1).max(15))
    .min(1)
    .max(64)
    .describe('Parent interfaces of the node; several are bonded.'),
  mtu,
  vlanID: vlanID.describe('VLAN on the parent; 0 means none.'),
  bond,
  rdmaResourceName: text.describe('Resource name of the shared RDMA device of the parent.'),
  ippools,
};

const noMasterSubnet: ValidationRule = {
  rule: '!has(self.ippools) || !has(self.ippools.matchMasterSubnet) || !self.ippools.matchMasterSubnet',
  message: 'ippools.matchMasterSubnet is supported for sriov only',
};

/** The kernel's limit of names (IFNAMSIZ in if.h), for the interface that ifacer makes. */
const shortVlanName: ValidationRule = {
  rule: "!has(self.vlanID) || self.vlanID == 0 || size(size(self.master) == 1 ? self.master[0] : (has(self.bond) ? self.bond.name : '')) + size(string(self.vlanID)) < 15",
  message: 'the VLAN interface PARENT.VLANID must have a name of at most 15 characters',
};

const bondNeeded: ValidationRule = {
  rule: 'size(self.master) < 2 || has(self.bond)',
  message: 'bond is required when master lists several interfaces',
};

const manualVlan: ValidationRule = {
  rule: "self.vlanMode != 'auto' || !has(self.vlanID)",
  message: 'vlanID must be left out when vlanMode is auto',
};

const rateOrder: ValidationRule = {
  rule: '!has(self.minTxRateMbps) || !has(self.maxTxRateMbps) || self.maxTxRateMbps == 0 || self.minTxRateMbps <= self.maxTxRateMbps',
  message: 'minTxRateMbps must not exceed maxTxRateMbps (0 means no limit)',
};

const trunkOrder: ValidationRule = {
  rule: 'has(self.minID) == has(self.maxID) && (!has(self.minID) || self.minID <= self.maxID)',
  message: 'minID and maxID are required together, and minID must not exceed maxID',
};

const sriov = partOf({
  resourceName: z.string().min(1).describe('Resource name of the virtual functions.'),
  vlanID: vlanID.describe('VLAN of the virtual function; 0 means none.'),
  mtu,
  minTxRateMbps: int32().min(0).optional().describe('Minimum transmit rate in Mbit/s; 0 means none.'),
  maxTxRateMbps: int32().min(0).optional().describe('Maximum transmit rate in Mbit/s; 0 means no limit.'),
  rdmaIsolation: z.boolean().default(false).describe('Whether the RDMA device is moved into the pod.'),
  ippools,
}).meta(rules(rateOrder));

const ibsriov = partOf({
  resourceName: z.string().min(1).describe('Resource name of the virtual functions.'),
  pkey: text.describe('InfiniBand partition key.'),
  linkState: z
    .enum(['auto', 'enable', 'disable'])
    .default('enable')
    .describe('Link state of the virtual function.'),
  rdmaIsolation: z.boolean().default(true).describe('Whether the RDMA device is moved into the pod.'),
  enableIbKubernetes: z.boolean().default(false).describe('Whether ib-kubernetes manages partition keys.'),
  ippools,
});

const trunk = partOf({
  minID: vlanID.describe('First VLAN of a range.'),
  maxID: vlanID.describe('Last VLAN of a range.'),
  id: vlanID.describe('A single VLAN.'),
}).meta(rules(trunkOrder));

const ovs = partOf({
  bridge: z.string().min(1).describe('Name of the Open vSwitch bridge.'),
  vlan: vlanID.describe('VLAN of the port.'),
  trunk: z.array(trunk).max(256).optional().describe('VLANs that the port carries with a tag.'),
  deviceID: text.describe('PCI address of a virtual function for hardware offload.'),
  ippools,
});

/** Maps each cniType to the field with its configuration. */
const typeFieldNames = [
  ['macvlan', 'macvlan'],
  ['ipvlan', 'ipvlan'],
  ['vlan', 'vlan'],
  ['sriov', 'sriov'],
  ['ovs', 'ovs'],
  ['ib-sriov', 'ibsriov'],
  ['ipoib', 'ipoib'],
] as const;

/** The field of the chosen type must be set, and no field of another type. */
const typeRules = typeFieldNames.map(
  ([type, field]): ValidationRule => ({
    rule: `(self.cniType == '${type}') == has(self.${field})`,
    message: `${field} is required when cniType is ${type}, and allowed only then`,
  }),
);

const customAlone: ValidationRule = {
  rule: "self.cniType == 'custom' || !has(self.customCNI)",
  message: 'customCNI is allowed only when cniType is custom',
};

const specSchema = partOf({
  cniType: z.enum(cniTypes).default('custom').describe('Type of the CNI plugin that creates the interface.'),
  macvlan: partOf(parents)
    .meta(rules(bondNeeded, noMasterSubnet, shortVlanName))
    .optional()
    .describe('For cniType macvlan.'),
  ipvlan: partOf(parents)
    .meta(rules(bondNeeded, noMasterSubnet, shortVlanName))
    .optional()
    .describe('For cniType ipvlan.'),
  vlan: partOf({
    ...parents,
    vlanMode: z
      .enum(['manual', 'auto'])
      .default('manual')
      .describe('auto: the VLAN comes from the network provider.'),
  })
    .meta(rules(bondNeeded, manualVlan, noMasterSubnet))
    .optional()
    .describe('For cniType vlan.'),
  sriov: sriov.optional().describe('For cniType sriov.'),
  ibsriov: ibsriov.optional().describe('For cniType ib-sriov.'),
  ipoib: partOf({
    master: z.string().min(1).describe('Parent InfiniBand interface of the node.'),
    ippools,
  })
    .optional()
    .describe('For cniType ipoib.'),
  ovs: ovs.optional().describe('For cniType ovs.'),
  enableCoordinator: z
    .boolean()
    .default(true)
    .describe('Whether the coordinator plugin is chained; it never is for custom.'),
  disableIPAM: z
    .boolean()
    .default(false)
    .describe('Whether the interface gets no address. Deprecated: ipam.enabled decides where it is set.'),
  ipam: partOf({
    enabled: z.boolean().optional().describe('Whether the interface gets addresses.'),
    logOptions: logOptionsSchema.optional().describe('Log of the IPAM plugin.'),
  })
    .optional()
    .describe('Settings of the IPAM plugin.'),
  logOptions: logOptionsSchema
    .optional()
    .describe('Log of all plugins; ipam.logOptions and coordinator.logOptions decide before it.'),
  coordinator: partOf(coordinatorFields).optional().describe('Settings of the coordinator plugin.'),
  chainCNIJsonData: z
    .array(z.string())
    .optional()
    .describe('More plugins of the chain, each one as JSON text.'),
  customCNI: text.describe('For cniType custom: the whole configuration as JSON text.'),
}).meta(rules(...typeRules, customAlone));

/** Spiderpool has no status here. Its manifests and objects have none, so nothing of them is lost. */
const statusSchema = openObject({
  observedGeneration: int64().optional().describe('Generation of the spec that the conditions tell about.'),
  networkAttachmentDefinition: text.describe(
    'Name of the NetworkAttachmentDefinition, in the same namespace.',
  ),
  conditions: conditionsField,
});

/** spidermultusconfigs.spiderpool.spidernet.io. */
export const spiderMultusConfigSchema = openObject({
  ...typeFields,
  spec: specSchema.optional().describe('The configuration.'),
  status: statusSchema.optional().describe('What became of the configuration.'),
}).describe(
  'SpiderMultusConfig describes a CNI configuration, from which a NetworkAttachmentDefinition is made.',
);

export type SpiderMultusConfig = z.infer<typeof spiderMultusConfigSchema>;

export const spiderMultusConfigs: CustomKind<SpiderMultusConfig> = {
  group: SPIDERPOOL_GROUP,
  version: SPIDERPOOL_VERSION,
  kind: 'SpiderMultusConfig',
  plural: 'spidermultusconfigs',
  singular: 'spidermultusconfig',
  shortNames: ['smc'],
  categories: [SPIDERPOOL_CATEGORY],
  namespaced: true,
  statusSubresource: true,
  schema: spiderMultusConfigSchema,
  columns: [
    { name: 'TYPE', type: 'string', jsonPath: '.spec.cniType', description: 'Type of the main plugin.' },
    {
      name: 'NET-ATTACH-DEF',
      type: 'string',
      jsonPath: '.status.networkAttachmentDefinition',
      description: 'The NetworkAttachmentDefinition that was made.',
    },
    {
      name: 'READY',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether the NetworkAttachmentDefinition is as it should be.',
    },
    {
      name: 'REASON',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'Reason in one word.',
      priority: 1,
    },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the object.' },
  ],
};
