// A NetworkAttachmentDefinition whose addresses come from the program that is imported, and what it becomes.

import {
  ipamType,
  type NetworkAttachmentDefinition,
  type OwnerReference,
  parseJson,
  parseNetConfList,
} from '#api';
import { errorText, isOrbError, OrbError } from '#base';
import type { Family } from '#ip';
import { readHostLocal } from './host-local-conf.ts';
import { type ImportSource, refused, type SourceConf } from './source-conf.ts';
import { readWhereabouts } from './whereabouts-conf.ts';

/** The configuration that a definition had before it was switched to Orbweaver, as it was written. */
export const BEFORE_ANNOTATION = 'orbweaver.io/before-import';
/** When it was switched, as RFC 3339 text. */
export const SWITCHED_ANNOTATION = 'orbweaver.io/switched-at';

export interface SourceNetwork {
  readonly definition: NetworkAttachmentDefinition;
  /** `namespace/name`. */
  readonly name: string;
  /** Whether pods get addresses of Orbweaver already. */
  readonly isSwitched: boolean;
  /** Milliseconds since 1970. Undefined if nobody wrote it. */
  readonly switchedAtMs: number | undefined;
  /** The configuration of the program that is imported, as it was written. */
  readonly text: string;
  /** The name of the network in the configuration. host-local has a folder of this name. */
  readonly network: string;
  /** Whoever writes the definition, and would write it back. */
  readonly owner: OwnerReference | undefined;
  readonly conf: SourceConf;
}

/** A definition that cannot be switched. */
export interface UnreadableNetwork {
  readonly name: string;
  readonly problem: string;
}

const readers = { whereabouts: readWhereabouts, 'host-local': readHostLocal } as const;

/** Undefined if its addresses do not come from the program. */
export function sourceNetwork(
  source: ImportSource,
  definition: NetworkAttachmentDefinition,
): SourceNetwork | UnreadableNetwork | undefined {
  const { namespace = '', name: own = '', annotations, ownerReferences } = definition.metadata;
  const name = `${namespace}/${own}`;
  const now = definition.spec?.config ?? '';
  const before = annotations?.[BEFORE_ANNOTATION];
  try {
    // Somebody may have written the old configuration again.
    const isSource = ipamsOf(now, source).length > 0;
    const text = isSource ? now : (before ?? '');
    const [ipam, ...more] = ipamsOf(text, source);
    if (ipam === undefined) return undefined;
    const subject = `NetworkAttachmentDefinition ${name}`;
    if (more.length > 0) throw refused(subject, 'two of its plugins ask for addresses');
    return {
      ...{ definition, name, text, isSwitched: !isSource },
      switchedAtMs: timeOf(annotations?.[SWITCHED_ANNOTATION]),
      network: parseNetConfList(text, { subject, defaultName: own }).name,
      owner: ownerReferences?.find(({ controller }) => controller === true) ?? ownerReferences?.[0],
      conf: readers[source](ipam, subject),
    };
  } catch (error) {
    if (!isOrbError(error)) throw error;
    // A text that is not JSON belongs to the import only if it speaks of its program.
    return now.includes(`"${source}"`) || before?.includes(`"${source}"`) === true
      ? { name, problem: errorText(error) }
      : undefined;
  }
}

function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** The configuration with Orbweaver's IPAM in the place of the program's. `pools` are names, for each family. */
export function withOurIpam(
  { text, name }: Pick<SourceNetwork, 'text' | 'name'>,
  source: ImportSource,
  pools: Readonly<Record<Family, readonly string[]>>,
): string {
  const value = objectIn(text);
  for (const plugin of pluginsOf(value)) {
    for (const key of Object.keys(plugin)) {
      if (key.toLowerCase() !== 'ipam' || ipamType(plugin[key]) !== source) continue;
      plugin[key] = {
        type: 'spiderpool',
        ...(pools[4].length > 0 && { default_ipv4_ippool: pools[4] }),
        ...(pools[6].length > 0 && { default_ipv6_ippool: pools[6] }),
      };
      return JSON.stringify(value);
    }
  }
  throw new OrbError('INTERNAL', { message: `${name} has no IPAM of ${source}` });
}

/** The `ipam` objects of this type in a configuration or a list of them. */
function ipamsOf(text: string, source: ImportSource): unknown[] {
  if (text === '') return [];
  return pluginsOf(objectIn(text)).flatMap((plugin) =>
    Object.entries(plugin)
      .filter(([key, value]) => key.toLowerCase() === 'ipam' && ipamType(value) === source)
      .map(([, value]) => value),
  );
}

type JsonObject = Record<string, unknown>;

function objectIn(text: string): JsonObject {
  const value = parseJson(text, { subject: 'spec.config' });
  if (isObject(value)) return value;
  throw new OrbError('INPUT_INVALID', { message: 'spec.config is no JSON object', subject: 'spec.config' });
}

function pluginsOf(conf: JsonObject): JsonObject[] {
  const [, plugins] = Object.entries(conf).find(([key]) => key.toLowerCase() === 'plugins') ?? [];
  return Array.isArray(plugins) ? plugins.filter(isObject) : [conf];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
