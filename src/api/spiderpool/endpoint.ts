// SpiderEndpoint: the addresses and routes of one pod, derived from the pools of the addresses.

import { z } from 'zod';
import type { CustomKind } from '../crd/index.ts';
import { typeFields } from '../metadata.ts';
import { int64, openObject } from '../open-object.ts';
import { routeSchema, SPIDERPOOL_CATEGORY, SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from './address-fields.ts';

const text = z.string().optional();

const ipDetailSchema = openObject({
  interface: z.string().describe('Name of the interface inside the pod; empty until a CNI call sets it.'),
  ipv4: text.describe('IPv4 address with prefix length.'),
  ipv6: text.describe('IPv6 address with prefix length.'),
  ipv4Pool: text.describe('SpiderIPPool of the IPv4 address.'),
  ipv6Pool: text.describe('SpiderIPPool of the IPv6 address.'),
  vlan: int64().min(0).max(4094).default(0).describe('VLAN of the interface; 0 means none.'),
  ipv4Gateway: text.describe('IPv4 gateway.'),
  ipv6Gateway: text.describe('IPv6 gateway.'),
  cleanGateway: z.boolean().optional().describe('Whether the pod gets no default route on this interface.'),
  routes: z.array(routeSchema).optional().describe('Routes of this interface, without the default route.'),
  mac: text.describe('MAC address, if a cloud provider chose it.'),
});

const currentSchema = openObject({
  uid: z.string().describe('UID of the pod.'),
  node: z.string().describe('Node the pod runs on.'),
  ips: z.array(ipDetailSchema).describe('One entry for each interface.'),
});

const statusSchema = openObject({
  current: currentSchema.describe('Addresses of the running pod.'),
  ownerControllerType: z
    .string()
    .describe('Kind of the topmost controller of the pod; Pod if there is none.'),
  ownerControllerName: z.string().describe('Name of that controller.'),
});

/** spiderendpoints.spiderpool.spidernet.io. It has the name and namespace of the pod. */
export const spiderEndpointSchema = openObject({
  ...typeFields,
  status: statusSchema.optional().describe('The addresses of the pod; written by the agent of its node.'),
}).describe('SpiderEndpoint shows the addresses and routes of the pod of the same name.');

export type SpiderEndpoint = z.infer<typeof spiderEndpointSchema>;
/** status.current.ips[]: one interface. */
export type EndpointIPDetail = z.infer<typeof ipDetailSchema>;

function firstInterface(field: string): string {
  return `.status.current.ips[0].${field}`;
}

export const spiderEndpoints: CustomKind<SpiderEndpoint> = {
  group: SPIDERPOOL_GROUP,
  version: SPIDERPOOL_VERSION,
  kind: 'SpiderEndpoint',
  plural: 'spiderendpoints',
  singular: 'spiderendpoint',
  shortNames: ['se'],
  categories: [SPIDERPOOL_CATEGORY],
  namespaced: true,
  statusSubresource: false,
  schema: spiderEndpointSchema,
  columns: [
    {
      name: 'INTERFACE',
      type: 'string',
      jsonPath: firstInterface('interface'),
      description: 'First interface.',
    },
    {
      name: 'IPV4POOL',
      type: 'string',
      jsonPath: firstInterface('ipv4Pool'),
      description: 'IPv4 pool of the first interface.',
    },
    {
      name: 'IPV4',
      type: 'string',
      jsonPath: firstInterface('ipv4'),
      description: 'IPv4 address of the first interface.',
    },
    {
      name: 'IPV6POOL',
      type: 'string',
      jsonPath: firstInterface('ipv6Pool'),
      description: 'IPv6 pool of the first interface.',
    },
    {
      name: 'IPV6',
      type: 'string',
      jsonPath: firstInterface('ipv6'),
      description: 'IPv6 address of the first interface.',
    },
    { name: 'NODE', type: 'string', jsonPath: '.status.current.node', description: 'Node of the pod.' },
  ],
};
