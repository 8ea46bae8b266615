// The network configuration on a plugin's standard input (CNI specification 1.1, section 1 and 2).

import { z } from 'zod';
import { check, checkJson, parseJson } from '../validation.ts';
import { goObject, handedOn } from './go-object.ts';
import type { CniResult } from './result.ts';
import { readResult } from './result-version.ts';
import { OLDEST_VERSION, type SpecVersion, specVersions } from './spec-version.ts';

/** Network names and container ids (section "Network configuration"). */
export const CNI_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

const text = z.string().optional();

/** An attachment that the runtime knows, in the configuration of GC. */
const attachmentSchema = goObject({ containerID: z.string(), ifname: z.string() });

/** A configuration; fields that only the plugin of its type knows are kept as they are, and so are those that we do not read. */
export const netConfSchema = goObject({
  cniVersion: z.string().optional(),
  name: z.string().regex(CNI_NAME),
  type: z.string().min(1),
  /** Which entries of `runtimeConfig` the runtime is to add. */
  capabilities: handedOn<Readonly<Record<string, boolean>>>(),
  /** Of the plugin that gives addresses; read by that one. */
  ipam: handedOn<unknown>(),
  args: handedOn<unknown>(),
  /** What the runtime adds for the capabilities that the configuration declares (CNI conventions). */
  runtimeConfig: handedOn<unknown>(),
  /** Of the previous plugin in the chain, in the version of this configuration; see {@link prevResultOf}. */
  prevResult: z.unknown().optional(),
  /** GC only: everything else of this network is to be removed. */
  'cni.dev/valid-attachments': z.array(attachmentSchema).optional(),
});

export type NetConf = z.infer<typeof netConfSchema>;
export type ValidAttachment = z.infer<typeof attachmentSchema>;

/** Reads standard input: what is no JSON object is error 6, a field that is wrong is error 7. */
export function parseNetConf(stdin: string): NetConf {
  const subject = 'network configuration';
  const undecodable = { subject, code: 'CNI_INPUT_UNDECODABLE' } as const;
  const object = check(z.record(z.string(), z.unknown()), parseJson(stdin, undecodable), undecodable);
  return check(netConfSchema, object, { subject });
}

/** The version a configuration is written in, known to us or not; without one it is the oldest. */
export function versionOf(conf: Pick<NetConf, 'cniVersion'>): string {
  return conf.cniVersion || OLDEST_VERSION;
}

/** The version that standard input asks for, also where it is refused for something else; undefined where nobody can tell. */
export function versionAsked(stdin: string): string | undefined {
  try {
    const object = checkJson(goObject({ cniVersion: z.string().optional() }), stdin, { subject: 'version' });
    return versionOf(object);
  } catch {
    return /"cniVersion"\s*:\s*"([0-9.]{1,16})"/i.exec(stdin)?.[1];
  }
}

/** The result of the chain so far; undefined when there is none, which DEL must live with. */
export function prevResultOf(conf: NetConf): CniResult | undefined {
  if (conf.prevResult === undefined) return undefined;
  const version = versionOf(conf);
  const known: SpecVersion = specVersions.find((candidate) => candidate === version) ?? OLDEST_VERSION;
  return readResult(conf.prevResult, known);
}

/** libcni takes `true` and "True" (libcni/conf.go). */
const booleanOrText = z
  .union([z.boolean(), z.string().regex(/^(true|false)$/i)])
  .transform((value) => value === true || String(value).toLowerCase() === 'true')
  .optional();

/** A list of plugins, as files in /etc/cni/net.d and NetworkAttachmentDefinitions hold it. */
export const netConfListSchema = goObject({
  cniVersion: text,
  /** New in 1.1.0: the runtime takes the newest it speaks. */
  cniVersions: z.array(z.string()).optional(),
  name: z.string().regex(CNI_NAME),
  disableCheck: booleanOrText,
  disableGC: booleanOrText,
  loadOnlyInlinedPlugins: booleanOrText,
  plugins: z
    .array(goObject({ type: z.string().min(1), capabilities: handedOn<Readonly<Record<string, boolean>>>() }))
    .min(1),
});

export type NetConfList = z.infer<typeof netConfListSchema>;

/**
 * Reads a configuration list. A single configuration becomes a list of one; `defaultName` stands in for a missing name,
 * as Multus names a network after its NetworkAttachmentDefinition.
 */
export function parseNetConfList(
  json: string,
  { subject, defaultName }: { subject: string; defaultName?: string },
): NetConfList {
  const value = check(z.record(z.string(), z.unknown()), parseJson(json, { subject }), { subject });
  const keys = new Map(Object.keys(value).map((key) => [key.toLowerCase(), key]));
  const named = keys.has('name') || defaultName === undefined ? value : { ...value, name: defaultName };
  // As Multus tells them apart (pkg/types, LoadDelegateNetConf).
  if (keys.has('plugins') && !keys.has('type')) return check(netConfListSchema, named, { subject });
  const single = check(netConfSchema, named, { subject });
  const { cniVersion, name } = single;
  return { name, plugins: [single], ...(cniVersion === undefined ? {} : { cniVersion }) };
}
