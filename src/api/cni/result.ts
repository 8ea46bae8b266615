// The result of ADD in the shape of specification 1.1.0, which is what we work with inside.

import { z } from 'zod';
import { check } from '../validation.ts';
import { goObject } from './go-object.ts';
import { addressText, cidrText } from './text-fields.ts';

const text = z.string().optional();

/** interfaces[]: an interface that was made; `sandbox` is empty or absent on the host's side. */
export const cniInterfaceSchema = goObject({
  name: z.string(),
  mac: text,
  /** Bytes. */
  mtu: z.int().optional(),
  sandbox: text,
  socketPath: text,
  pciID: text,
});

/** ips[]: `interface` is an index into interfaces[]; an IPAM plugin leaves it out. */
export const cniIpSchema = goObject({
  address: cidrText,
  gateway: addressText.optional(),
  interface: z.int().min(0).optional(),
});

export const cniRouteSchema = goObject({
  dst: cidrText,
  gw: addressText.optional(),
  /** Bytes. */
  mtu: z.int().optional(),
  advmss: z.int().optional(),
  priority: z.int().optional(),
  table: z.int().optional(),
  scope: z.int().optional(),
});

export const cniDnsSchema = goObject({
  nameservers: z.array(z.string()).optional(),
  domain: text,
  search: z.array(z.string()).optional(),
  options: z.array(z.string()).optional(),
});

/** A result without its version; unknown fields are kept. */
export const cniResultSchema = goObject({
  interfaces: z.array(cniInterfaceSchema).optional(),
  ips: z.array(cniIpSchema).optional(),
  routes: z.array(cniRouteSchema).optional(),
  dns: cniDnsSchema.optional(),
});

export type CniInterface = z.infer<typeof cniInterfaceSchema>;
export type CniIp = z.infer<typeof cniIpSchema>;
export type CniRoute = z.infer<typeof cniRouteSchema>;
export type CniDns = z.infer<typeof cniDnsSchema>;
export type CniResult = z.infer<typeof cniResultSchema>;

/** Checks a result in the 1.1.0 shape; `subject` says where it came from, for example `prevResult`. */
export function checkResult(value: unknown, subject: string): CniResult {
  return check(cniResultSchema.refine(indexesExist, { error: indexError }), value, { subject });
}

function indexesExist(result: CniResult): boolean {
  return danglingIndex(result) === undefined;
}

function danglingIndex({ interfaces, ips = [] }: CniResult): number | undefined {
  if (interfaces === undefined) return undefined;
  return ips.find((ip) => ip.interface !== undefined && ip.interface >= interfaces.length)?.interface;
}

function indexError(issue: { readonly input?: unknown }): string {
  const result = issue.input as CniResult;
  return `ips[].interface ${danglingIndex(result)} is not the index of one of the ${result.interfaces?.length} interfaces`;
}
