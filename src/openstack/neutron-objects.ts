// What Neutron's API answers with, as far as it is read here (Networking API v2.0).

import { z } from 'zod';

/** It becomes a part of commands that users are shown. */
const id = z.string().regex(/^[\w-]{1,64}$/);
const address = z.union([z.ipv4(), z.ipv6()]);

export const portSchema = z.object({
  id,
  name: z.string(),
  project_id: z.string(),
  network_id: id,
  /** Lower case, with colons. */
  mac_address: z.string().transform((mac) => mac.toLowerCase()),
  /** In no order that means anything. */
  fixed_ips: z.array(z.object({ subnet_id: id, ip_address: address })),
  /** The VM's id; the router's id of its ports. */
  device_id: z.string(),
  /** `compute:<zone>` of a VM's port. */
  device_owner: z.string(),
  /** `ACTIVE` once the network of the cloud carries its packets. */
  status: z.string(),
  description: z.string(),
  revision_number: z.number().int(),
  security_groups: z.array(id),
  /** Absent where the cloud lacks the extension `standard-attr-tag`. */
  tags: z.array(z.string()).optional(),
  /** Absent where the cloud lacks the extension `port-security`. */
  port_security_enabled: z.boolean().optional(),
  /** Absent where the cloud lacks the extension `allowed-address-pairs`. An address or a CIDR each. */
  allowed_address_pairs: z.array(z.object({ ip_address: z.string(), mac_address: z.string() })).optional(),
});

export const networkSchema = z.object({
  id,
  project_id: z.string(),
  /** In bytes. Absent where the cloud lacks the extension `net-mtu`. */
  mtu: z.number().int().positive().optional(),
});

export const subnetSchema = z.object({
  id,
  network_id: id,
  cidr: z.string(),
  ip_version: z.union([z.literal(4), z.literal(6)]),
  gateway_ip: address.nullable(),
  /** Null for IPv4, and where addresses are not configured by Neutron. */
  ipv6_address_mode: z.string().nullable(),
  dns_nameservers: z.array(address),
});

export const routerSchema = z.object({
  id,
  /** Static routes. A destination is text as somebody gave it: perhaps with host bits, or without a prefix length. */
  routes: z.array(z.object({ destination: z.string(), nexthop: z.string() })),
});

export const quotaSchema = z.object({
  /** -1: no limit. */
  limit: z.number().int(),
  used: z.number().int(),
  reserved: z.number().int(),
});

export const floatingIpSchema = z.object({
  id,
  project_id: z.string(),
  floating_network_id: id,
  floating_ip_address: address,
  /** Absent where the cloud lacks the extension `standard-attr-description`. */
  description: z.string().optional(),
  fixed_ip_address: address.nullable(),
  port_id: id.nullable(),
});

export const ruleSchema = z.object({
  id,
  security_group_id: id,
  direction: z.string(),
  ethertype: z.string(),
  protocol: z.string().nullable(),
  remote_ip_prefix: z.string().nullable(),
  remote_group_id: z.string().nullable(),
});

export type Port = z.infer<typeof portSchema>;
export type Network = z.infer<typeof networkSchema>;
export type Subnet = z.infer<typeof subnetSchema>;
export type Router = z.infer<typeof routerSchema>;
export type Quota = z.infer<typeof quotaSchema>;
export type FloatingIp = z.infer<typeof floatingIpSchema>;
export type Rule = z.infer<typeof ruleSchema>;
