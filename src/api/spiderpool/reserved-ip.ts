// SpiderReservedIP: addresses that no pool may give out.

import type { z } from 'zod';
import { type CustomKind, immutableField, rules } from '../crd/index.ts';
import { typeFields } from '../metadata.ts';
import { openObject } from '../open-object.ts';
import {
  addressFields,
  SPIDERPOOL_CATEGORY,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from './address-fields.ts';

const specSchema = openObject({
  ipVersion: addressFields.ipVersion.describe(
    'Address family, 4 or 6. Derived from the first address when absent; never changes afterwards.',
  ),
  ips: addressFields.ips.describe('Addresses (10.6.0.5) and ranges (10.6.0.10-10.6.0.20) of any network.'),
}).meta(rules(immutableField('ipVersion')));

/** spiderreservedips.spiderpool.spidernet.io. */
export const spiderReservedIPSchema = openObject({
  ...typeFields,
  spec: specSchema.optional().describe('The addresses.'),
}).describe('SpiderReservedIP lists addresses that no pool allocates.');

export type SpiderReservedIP = z.infer<typeof spiderReservedIPSchema>;

export const spiderReservedIPs: CustomKind<SpiderReservedIP> = {
  group: SPIDERPOOL_GROUP,
  version: SPIDERPOOL_VERSION,
  kind: 'SpiderReservedIP',
  plural: 'spiderreservedips',
  singular: 'spiderreservedip',
  shortNames: ['sr'],
  categories: [SPIDERPOOL_CATEGORY],
  namespaced: false,
  statusSubresource: false,
  schema: spiderReservedIPSchema,
  columns: [{ name: 'VERSION', type: 'string', jsonPath: '.spec.ipVersion', description: 'Address family.' }],
};
