// The places where a network configuration may ask for particular addresses and link addresses (CNI conventions, "ips"
// and "mac").

import { goObject, unchecked } from './go-object.ts';
import type { NetConf } from './net-conf.ts';

/** A value of another shape asks for nothing. */
const asking = goObject({ ips: unchecked<unknown>(), mac: unchecked<unknown>() }).catch({});
const withCni = goObject({ cni: unchecked<unknown>() }).catch({});

/**
 * The requests of one kind by field. The runtime adds one for the capability of this name, and `cni-args` of Multus
 * become `args.cni`.
 */
export function requestedIn(
  { runtimeConfig, args }: NetConf,
  kind: 'ips' | 'mac',
): Readonly<Record<string, unknown>> {
  return {
    [`runtimeConfig.${kind}`]: asking.parse(runtimeConfig)[kind],
    [`args.cni.${kind}`]: asking.parse(withCni.parse(args).cni)[kind],
  };
}
