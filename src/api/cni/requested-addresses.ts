// The places where a network configuration may ask for particular addresses (CNI conventions, "ips").

import { goObject, unchecked } from './go-object.ts';
import type { NetConf } from './net-conf.ts';

/** A value of another shape asks for nothing. */
const withIps = goObject({ ips: unchecked<unknown>() }).catch({});
const withCni = goObject({ cni: unchecked<unknown>() }).catch({});

/**
 * Requested addresses by field. The runtime adds one for the capability `ips`, and `cni-args` of Multus become
 * `args.cni`.
 */
export function requestedAddresses({ runtimeConfig, args }: NetConf): Readonly<Record<string, unknown>> {
  return {
    'runtimeConfig.ips': withIps.parse(runtimeConfig).ips,
    'args.cni.ips': withIps.parse(withCni.parse(args).cni).ips,
  };
}
