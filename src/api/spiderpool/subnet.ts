// SpiderSubnet: a network from which pools are made, manually or for an application.

import { z } from 'zod';
import { conditionsField } from '../core/index.ts';
import { type CustomKind, rules } from '../crd/index.ts';
import { typeFields } from '../metadata.ts';
import { openObject } from '../open-object.ts';
import {
  addressFields,
  addressRules,
  countFields,
  SPIDERPOOL_CATEGORY,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from './address-fields.ts';

const specSchema = openObject(addressFields).meta(rules(...addressRules));

/** Ties the ranges of an automatic pool to one pool object and one revision of it. */
const bookingSchema = openObject({
  pool: z.string().describe('Name of the pool.'),
  uid: z.string().describe('UID of the pool. A new pool of the same name has another one.'),
  revision: z.int().min(0).describe('Rises with each change of the addresses that the pool should have.'),
  wanted: z
    .array(z.string())
    .optional()
    .describe('Ranges that the pool should have, while it may still have more. Absent otherwise.'),
});

const statusSchema = openObject({
  controlledIPPools: z
    .string()
    .optional()
    .describe(
      'Ranges of each pool, as a JSON object in text: pool name to ips and application. Absent when there are none.',
    ),
  bookings: z
    .array(bookingSchema)
    .optional()
    .describe('What controlledIPPools cannot say of the automatic pools. Orbweaver writes it.'),
  ...countFields,
  conditions: conditionsField,
});

/** spidersubnets.spiderpool.spidernet.io. */
export const spiderSubnetSchema = openObject({
  ...typeFields,
  spec: specSchema.optional().describe('The network and its addresses.'),
  status: statusSchema.optional().describe('Ranges that pools have taken; written by the controller.'),
}).describe('SpiderSubnet holds addresses of one network from which SpiderIPPools are made.');

export type SpiderSubnet = z.infer<typeof spiderSubnetSchema>;

export const spiderSubnets: CustomKind<SpiderSubnet> = {
  group: SPIDERPOOL_GROUP,
  version: SPIDERPOOL_VERSION,
  kind: 'SpiderSubnet',
  plural: 'spidersubnets',
  singular: 'spidersubnet',
  shortNames: ['ss'],
  categories: [SPIDERPOOL_CATEGORY],
  namespaced: false,
  statusSubresource: true,
  schema: spiderSubnetSchema,
  columns: [
    { name: 'VERSION', type: 'string', jsonPath: '.spec.ipVersion', description: 'Address family.' },
    { name: 'SUBNET', type: 'string', jsonPath: '.spec.subnet', description: 'The network.' },
    {
      name: 'ALLOCATED-IP-COUNT',
      type: 'integer',
      jsonPath: '.status.allocatedIPCount',
      description: 'Number of addresses that pools have taken.',
    },
    {
      name: 'TOTAL-IP-COUNT',
      type: 'integer',
      jsonPath: '.status.totalIPCount',
      description: 'Total number of addresses.',
    },
  ],
};
