// The annotations of pods and namespaces that choose the pools and routes of a pod.

import { z } from 'zod';
import { checkJson, INTERFACE_NAME, shortList } from '#api';
import { OrbError } from '#base';
import { type Family, networkOf, parseAddress, parseCidr } from '#ip';
import type { PodRoute } from './pool-network.ts';

/** Annotations of one object. */
export type Annotations = Readonly<Record<string, string>>;

const PREFIX = 'ipam.spidernet.io/';
export const IPPOOLS_ANNOTATION = `${PREFIX}ippools`;
export const IPPOOL_ANNOTATION = `${PREFIX}ippool`;
export const ROUTES_ANNOTATION = `${PREFIX}routes`;
/** Our own: the addresses that interfaces of the pod request. */
export const IPS_ANNOTATION = 'ipam.orbweaver.io/ips';
/** These annotations ask for pools that are created automatically. */
export const subnetAnnotations = [`${PREFIX}subnets`, `${PREFIX}subnet`] as const;

/** Pool names for each family, in the user's order. Wildcards are not expanded yet. */
export type NamedPools = Readonly<Record<Family, readonly string[]>>;

/** One entry of {@link IPPOOLS_ANNOTATION}. Either all entries have `nic` or none has it. */
export interface NicPools {
  readonly nic: string | undefined;
  readonly cleanGateway: boolean;
  readonly pools: NamedPools;
}

const names = shortList(z.string().min(1)).optional();
const families = { ipv4: names, ipv6: names };

/** Go ignores the case of JSON keys. An unknown key is a typing error. */
export function lowerCaseKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner]));
}

const poolsSchema = z.preprocess(lowerCaseKeys, z.strictObject(families));
const nicPoolsSchema = shortList(
  z.preprocess(
    lowerCaseKeys,
    z.strictObject({
      ...families,
      interface: z.string().regex(INTERFACE_NAME).optional(),
      cleangateway: z.boolean().default(false),
    }),
  ),
);
const ipsSchema = z.record(z.string().regex(INTERFACE_NAME), z.union([z.string(), z.array(z.string())]));
const routesSchema = shortList(
  z.preprocess(lowerCaseKeys, z.strictObject({ dst: z.string(), gw: z.string() })),
);

/**
 * `ipam.orbweaver.io/ips`: the requested addresses of each interface, by its name. Each value is an address or a list
 * with one address of each family, for example `{"eth0": "10.6.0.9", "net1": ["10.7.0.9/16", "fd00::9"]}`.
 */
export function readIps(annotations: Annotations): ReadonlyMap<string, string | readonly string[]> {
  const text = annotations[IPS_ANNOTATION];
  if (text === undefined) return new Map();
  const read = checkJson(ipsSchema, text, { subject: annotationSubject(IPS_ANNOTATION) });
  return new Map(Object.entries(read));
}

/** `ipam.spidernet.io/ippool`: the pools of the NIC of the current CNI call. */
export function readIPPool(annotations: Annotations): NamedPools | undefined {
  const text = annotations[IPPOOL_ANNOTATION];
  if (text === undefined) return undefined;
  const subject = annotationSubject(IPPOOL_ANNOTATION);
  return namedPools(checkJson(poolsSchema, text, { subject }), subject, text);
}

/** `ipam.spidernet.io/ippools`: the pools of all NICs of the pod. */
export function readIPPools(annotations: Annotations): NicPools[] | undefined {
  const text = annotations[IPPOOLS_ANNOTATION];
  if (text === undefined) return undefined;
  const subject = annotationSubject(IPPOOLS_ANNOTATION);
  const entries = checkJson(nicPoolsSchema, text, { subject });
  const refuse = (why: string): never => refuseValue(subject, text, why);
  if (entries.length === 0) refuse('must have at least one entry');
  const named = entries.flatMap((entry) => entry.interface ?? []);
  if (named.length > 0 && named.length < entries.length)
    refuse('either all entries have an interface or none has');
  const twice = named.find((nic, index) => named.indexOf(nic) !== index);
  if (twice !== undefined) refuse(`interface ${twice} appears twice; allowed: one entry for each interface`);
  return entries.map((entry, index) => ({
    nic: entry.interface,
    cleanGateway: entry.cleangateway,
    pools: namedPools(entry, `${subject} [${index}]`, text),
  }));
}

const poolNamesSchema = shortList(z.string().min(1));

/** The default pools that a namespace names for each family. */
export function readNamespacePools(annotations: Annotations): NamedPools | undefined {
  const read = (family: Family): readonly string[] => {
    const key = `${PREFIX}default-ipv${family}-ippool`;
    const text = annotations[key];
    if (text === undefined) return [];
    return checkJson(poolNamesSchema, text, {
      subject: `wrong input, invalid format of Namespace annotation ${key}`,
    });
  };
  const pools = { 4: read(4), 6: read(6) };
  return pools[4].length + pools[6].length === 0 ? undefined : pools;
}

/** `ipam.spidernet.io/routes`. Destinations may have host bits, as in Go's parser. */
export function readRoutes(annotations: Annotations): PodRoute[] {
  const text = annotations[ROUTES_ANNOTATION];
  if (text === undefined) return [];
  const subject = annotationSubject(ROUTES_ANNOTATION);
  return checkJson(routesSchema, text, { subject }).map(({ dst, gw }, index) => {
    try {
      const destination = networkOf(parseCidr(dst));
      const gateway = parseAddress(gw);
      if (gateway.family === destination.address.family) return { destination, gateway };
    } catch (cause) {
      const message = `${subject}: [${index}]: ${(cause as Error).message}`;
      throw new OrbError('INPUT_INVALID', { message, subject, cause });
    }
    return refuseValue(subject, text, `[${index}]: dst ${dst} and gw ${gw} must be of one family`);
  });
}

function namedPools(
  { ipv4 = [], ipv6 = [] }: { readonly ipv4?: string[] | undefined; readonly ipv6?: string[] | undefined },
  subject: string,
  text: string,
): NamedPools {
  if (ipv4.length + ipv6.length === 0) refuseValue(subject, text, 'must name a pool in ipv4 or ipv6');
  return { 4: ipv4, 6: ipv6 };
}

/** Begins like Spiderpool's message (pkg/ipam). */
function annotationSubject(key: string): string {
  return `wrong input, invalid format of Pod annotation ${key}`;
}

function refuseValue(subject: string, text: string, why: string): never {
  throw new OrbError('INPUT_INVALID', { message: `${subject}: ${text}: ${why}`, subject });
}
