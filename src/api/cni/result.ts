// The result of ADD in the shape of specification 1.1.0. Our code uses only this shape.

import { z } from 'zod';
import { shortList } from '../open-object.ts';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import { addressIfAny, cidrText } from './text-fields.ts';

/** interfaces[]: an interface that was made. `sandbox` is empty or absent on the host's side. */
export const cniInterfaceSchema = goObject({
  name: z.string(),
  mac: unchecked<string>(),
  /** Bytes. */
  mtu: unchecked<number>(),
  sandbox: z.string().optional(),
  socketPath: unchecked<string>(),
  pciID: unchecked<string>(),
});

/** ips[]: `interface` is an index into interfaces[]. An IPAM plugin leaves it out. */
export const cniIpSchema = goObject({
  address: cidrText,
  gateway: addressIfAny,
  interface: z.int().min(0).optional(),
});

/** routes[]: unchecked, because we do not use the routes of other plugins. */
export const cniRouteSchema = goObject({
  dst: unchecked<string>(),
  gw: unchecked<string>(),
  /** Bytes. */
  mtu: unchecked<number>(),
  advmss: unchecked<number>(),
  priority: unchecked<number>(),
  table: unchecked<number>(),
  scope: unchecked<number>(),
});

/** dns: only the runtime reads it. */
export interface CniDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** A result without its version. Unknown fields are kept. Fields that we do not read are not checked. */
export const cniResultSchema = goObject({
  interfaces: shortList(cniInterfaceSchema).optional(),
  ips: shortList(cniIpSchema).optional(),
  routes: shortList(cniRouteSchema).optional(),
  dns: unchecked<CniDns>(),
});

export type CniInterface = z.infer<typeof cniInterfaceSchema>;
export type CniIp = z.infer<typeof cniIpSchema>;
export type CniRoute = z.infer<typeof cniRouteSchema>;
export type CniResult = z.infer<typeof cniResultSchema>;

/** Checks a result in the 1.1.0 shape. `subject` names its source, for example `prevResult`. */
export function checkResult(value: unknown, subject: string): CniResult {
  return check(cniResultSchema.refine(indexesExist, { error: indexError }), value, { subject });
}

function indexesExist(result: CniResult): boolean {
  return danglingIndex(result) === undefined;
}

/** The first `ips[].interface` that `interfaces` does not have. A result without `interfaces` is not checked. */
function danglingIndex({ interfaces, ips = [] }: CniResult): number | undefined {
  if (interfaces === undefined) return undefined;
  return ips.find((ip) => ip.interface !== undefined && ip.interface >= interfaces.length)?.interface;
}

function indexError(issue: { readonly input?: unknown }): string {
  const result = issue.input as CniResult;
  return `ips[].interface ${danglingIndex(result)} is not the index of one of the ${result.interfaces?.length} interfaces`;
}
