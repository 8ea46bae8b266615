// The network configuration on a plugin's standard input (CNI specification 1.1, section 1 and 2).

import { z } from 'zod';
import { check, checkJson, parseJson } from '../validation.ts';
import { goObject, unchecked } from './go-object.ts';
import type { CniResult } from './result.ts';
import { readResult } from './result-version.ts';
import { OLDEST_VERSION, type SpecVersion, specVersions } from './spec-version.ts';

/** Network names and container ids (section "Network configuration"). */
export const CNI_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

const text = z.string().optional();

/** An attachment that the runtime lists in the configuration of GC. */
const attachmentSchema = goObject({ containerID: z.string(), ifname: z.string() });

/**
 * A configuration. Fields that only the plugin of its type reads are kept unchanged, like all other fields that we do
 * not read.
 */
export const netConfSchema = goObject({
  cniVersion: z.string().optional(),
  name: z.string().regex(CNI_NAME),
  type: z.string().min(1),
  /** The entries of `runtimeConfig` that the runtime must add. */
  capabilities: unchecked<Readonly<Record<string, boolean>>>(),
  /** The configuration of the IPAM plugin, which reads it. */
  ipam: unchecked<unknown>(),
  args: unchecked<unknown>(),
  /** What the runtime adds for the capabilities of the configuration (CNI conventions). */
  runtimeConfig: unchecked<unknown>(),
  /** The result of the previous plugin in the chain, in the version of this configuration. See {@link prevResultOf}. */
  prevResult: z.unknown().optional(),
  /** GC only: every other attachment of this network must be removed. */
  'cni.dev/valid-attachments': z.array(attachmentSchema).optional(),
});

export type NetConf = z.infer<typeof netConfSchema>;
export type ValidAttachment = z.infer<typeof attachmentSchema>;

const anyObject = z.record(z.string(), z.unknown());

/** Reads standard input. Input that is no JSON object is error 6. A wrong field is error 7. */
export function parseNetConf(stdin: string): NetConf {
  const subject = 'network configuration';
  const undecodable = { subject, code: 'CNI_INPUT_UNDECODABLE' } as const;
  const object = check(anyObject, parseJson(stdin, undecodable), undecodable);
  return check(netConfSchema, object, { subject });
}

/** The version of a configuration, even if we do not know it. A configuration without one has the oldest. */
export function versionOf(conf: Pick<NetConf, 'cniVersion'>): string {
  return conf.cniVersion || OLDEST_VERSION;
}

const versionedSchema = goObject({ cniVersion: z.string().optional() });

/**
 * The version that standard input asks for, even if the input is refused for another reason. Undefined if it has no
 * readable version.
 */
export function versionAsked(stdin: string): string | undefined {
  try {
    return versionOf(checkJson(versionedSchema, stdin, { subject: 'version' }));
  } catch {
    return /"cniVersion"\s*:\s*"([0-9.]{1,16})"/i.exec(stdin)?.[1];
  }
}

/** The result of the chain so far. Undefined if there is none. DEL must work without it. */
export function prevResultOf(conf: NetConf): CniResult | undefined {
  if (conf.prevResult === undefined) return undefined;
  const version = versionOf(conf);
  const known: SpecVersion = specVersions.find((candidate) => candidate === version) ?? OLDEST_VERSION;
  return readResult(conf.prevResult, known);
}

/** libcni accepts `true` and "True" (libcni/conf.go). */
const booleanOrText = z
  .union([z.boolean(), z.string().regex(/^(true|false)$/i)])
  .transform((value) => value === true || String(value).toLowerCase() === 'true')
  .optional();

/** A list of plugins, as in files of /etc/cni/net.d and in NetworkAttachmentDefinitions. */
export const netConfListSchema = goObject({
  cniVersion: text,
  /** New in 1.1.0: the runtime takes the newest version that it supports. */
  cniVersions: z.array(z.string()).optional(),
  name: z.string().regex(CNI_NAME),
  disableCheck: booleanOrText,
  disableGC: booleanOrText,
  loadOnlyInlinedPlugins: booleanOrText,
  plugins: z
    .array(
      goObject({ type: z.string().min(1), capabilities: unchecked<Readonly<Record<string, boolean>>>() }),
    )
    .min(1),
});

export type NetConfList = z.infer<typeof netConfListSchema>;

/**
 * Reads a configuration list. A single configuration becomes a list with one entry. `defaultName` replaces a missing
 * name, because Multus names a network after its NetworkAttachmentDefinition.
 */
export function parseNetConfList(
  json: string,
  { subject, defaultName }: { subject: string; defaultName?: string },
): NetConfList {
  const value = check(anyObject, parseJson(json, { subject }), { subject });
  const keys = new Map(Object.keys(value).map((key) => [key.toLowerCase(), key]));
  const named = keys.has('name') || defaultName === undefined ? value : { ...value, name: defaultName };
  // The same distinction as in Multus (pkg/types, LoadDelegateNetConf).
  if (keys.has('plugins') && !keys.has('type')) return check(netConfListSchema, named, { subject });
  const single = check(netConfSchema, named, { subject });
  const { cniVersion, name } = single;
  return { name, plugins: [single], ...(cniVersion !== undefined && { cniVersion }) };
}
