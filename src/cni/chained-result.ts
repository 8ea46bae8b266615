// The result of the previous plugin in the chain.

import { type CniResult, prevResultOf } from '#api';
import { OrbError } from '#base';
import { type Cidr, parseCidr } from '#ip';
import type { PluginCall } from './plugin.ts';

export function requirePrevResult(call: PluginCall): CniResult {
  const prevResult = prevResultOf(call.conf);
  if (prevResult !== undefined) return prevResult;
  throw new OrbError('INPUT_INVALID', {
    message: `prevResult is missing; ${call.conf.type} is chained after the plugin that makes the interface`,
    subject: 'network configuration',
  });
}

/** Addresses that the previous plugin gave the NIC. */
export function addressesOf({ interfaces = [], ips = [] }: CniResult, interfaceName: string): Cidr[] {
  return ips
    .filter((ip) => ip.interface === undefined || interfaces[ip.interface]?.name === interfaceName)
    .map((ip) => parseCidr(ip.address));
}
