// Results in the shapes of the specification's versions. We read all versions, and write those that we support.

import { z } from 'zod';
import { type Family, parseCidr } from '#ip';
import { check } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import { type CniResult, checkResult } from './result.ts';
import { isAtLeast, type SpecVersion, type SupportedVersion } from './spec-version.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Reads the result of a plugin, or `prevResult`, written in `version`. */
export function readResult(value: unknown, version: SpecVersion, subject = 'prevResult'): CniResult {
  const shaped = isAtLeast(version, '0.3.0') ? value : fromOldest(value, subject);
  const result = without(checkResult(shaped, subject), ['cniVersion']);
  if (isAtLeast(version, '1.0.0') || result.ips === undefined) return result;
  return { ...result, ips: result.ips.map((ip) => without(ip, ['version'])) };
}

/** Writes a result in `version`, for standard output or `prevResult`. */
export function writeResult(result: CniResult, version: SupportedVersion): Fields {
  const written: CniResult = { ...result };
  if (!isAtLeast(version, '1.1.0')) {
    if (result.interfaces)
      written.interfaces = result.interfaces.map((link) => without(link, newInterfaceFields));
    if (result.routes) written.routes = result.routes.map((route) => without(route, newRouteFields));
  }
  if (!isAtLeast(version, '1.0.0') && result.ips) {
    written.ips = result.ips.map((ip) => ({ version: String(familyOf(ip.address)), ...ip }));
  }
  return { cniVersion: version, ...written };
}

/** New in 1.1.0. */
const newInterfaceFields = ['mtu', 'socketPath', 'pciID'];
const newRouteFields = ['mtu', 'advmss', 'priority', 'table', 'scope'];

function without<T extends object>(object: T, fields: readonly string[]): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !fields.includes(name))) as T;
}

function familyOf(cidr: string): Family {
  return parseCidr(cidr).address.family;
}

const oldestIp = goObject({
  ip: unchecked<string>(),
  gateway: unchecked<string>(),
  routes: z.array(z.unknown()).optional(),
}).optional();

const oldestResult = goObject({ ip4: oldestIp, ip6: oldestIp });

/** 0.1.0 and 0.2.0 have one address for each family: `ip4` and `ip6` with `ip`, `gateway` and `routes`. */
function fromOldest(value: unknown, subject: string): unknown {
  const { ip4, ip6, ...rest } = check(oldestResult, value, { subject });
  const families = [ip4, ip6].filter((ip) => ip !== undefined);
  return {
    ...rest,
    ips: families.map((family) => ({ ...without(family, ['ip', 'routes']), address: family.ip })),
    routes: families.flatMap(({ routes }) => routes ?? []),
  };
}
