// What the controller keeps in OpenStack, from flags and the environment.

import { homedir } from 'node:os';
import { type Logger, systemClock } from '#base';
import { cloudClient, cloudOf } from '#openstack';
import { wholeNumber } from '#program';

type Environment = Readonly<Record<string, string | undefined>>;

interface CloudFlags {
  readonly 'router-routes': boolean;
  readonly 'router-route-limit'?: string | undefined;
  readonly 'floating-ips': boolean;
  readonly 'neutron-pools': boolean;
}

/** Neutron's default of `max_routes`. */
const USUAL_LIMIT = '30';

/** Undefined without `--router-routes`, `--floating-ips` and `--neutron-pools`. Throws OPENSTACK_CONFIG_INVALID. */
export function readCloud(flags: CloudFlags, env: Environment, log: Logger) {
  const limit = wholeNumber('--router-route-limit', flags['router-route-limit'] ?? USUAL_LIMIT, 1, 10_000);
  const routes = flags['router-routes'] ? { limit } : undefined;
  const floatingIps = flags['floating-ips'];
  const pools = flags['neutron-pools'];
  if (routes === undefined && !floatingIps && !pools) return undefined;
  const config = cloudOf(env, { home: homedir(), folder: process.cwd() });
  return { cloud: cloudClient(config, { log, clock: systemClock }), routes, floatingIps, pools };
}
