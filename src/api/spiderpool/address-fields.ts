// Fields that pools and subnets share: family, CIDR, ranges, gateway, routes.

import { z } from 'zod';
import { immutableField, type ValidationRule } from '../crd/index.ts';
import { int64, openObject } from '../open-object.ts';

/** Group and version of the six kinds. */
export const SPIDERPOOL_GROUP = 'spiderpool.spidernet.io';
export const SPIDERPOOL_VERSION = 'v2beta1';
/** The category that lists all of them: `kubectl get spiderpool`. */
export const SPIDERPOOL_CATEGORY = 'spiderpool';
/** The finalizer on pools, subnets, endpoints and coordinators. */
export const SPIDERPOOL_FINALIZER = 'spiderpool.spidernet.io';

/** 4 or 6. The kinds write the address family like this. */
export const ipVersionSchema = z.literal([4, 6]).meta({ type: 'integer', format: 'int64' });

const rangesSchema = z.array(z.string().max(81)).max(65_536);

/** A static route: a destination CIDR and its gateway. */
export const routeSchema = openObject({
  dst: z.string().describe('Destination as a CIDR, for example 10.250.0.0/16.'),
  gw: z.string().describe('Address of the gateway, of the same family as the destination.'),
});

export type Route = z.infer<typeof routeSchema>;

/** What SpiderSubnet and SpiderIPPool have in common. */
export const addressFields = {
  ipVersion: ipVersionSchema
    .optional()
    .describe('Address family, 4 or 6. Derived from subnet when absent; never changes afterwards.'),
  subnet: z
    .string()
    .max(64)
    .describe('The network of the addresses as a CIDR, for example 10.6.0.0/16. Never changes.'),
  ips: rangesSchema
    .optional()
    .describe(
      'Addresses to hand out: single ones (10.6.0.5) and ranges (10.6.0.10-10.6.0.20), all inside subnet.',
    ),
  excludeIPs: rangesSchema
    .optional()
    .describe('Addresses and ranges inside subnet that are never handed out.'),
  gateway: z.string().max(45).optional().describe('Default gateway of the pods, an address inside subnet.'),
  routes: z.array(routeSchema).optional().describe('Routes that pods get in addition to the default route.'),
  vlan: int64()
    .min(0)
    .max(4094)
    .optional()
    .describe(
      'Deprecated and ignored: older manifests set it. The VLAN is configured where the interface is made.',
    ),
};

/** The counters in the status of pools and subnets. */
export const countFields = {
  totalIPCount: int64()
    .min(0)
    .optional()
    .describe('Number of addresses in ips, without those in excludeIPs.'),
  allocatedIPCount: int64().min(0).optional().describe('Number of addresses that are allocated.'),
};

/** Rules of pools and subnets that need no arithmetic of addresses. A text with a colon is an IPv6 address. */
export const addressRules: readonly ValidationRule[] = [
  immutableField('ipVersion'),
  immutableField('subnet'),
  {
    rule: "!has(self.ipVersion) || (self.ipVersion == 6) == self.subnet.contains(':')",
    message: 'must be the address family of subnet',
    fieldPath: '.ipVersion',
  },
  {
    rule: "!has(self.gateway) || self.gateway == '' || self.gateway.contains(':') == self.subnet.contains(':')",
    message: 'must be of the address family of subnet',
    fieldPath: '.gateway',
  },
];
