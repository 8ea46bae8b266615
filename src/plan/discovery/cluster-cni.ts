// The CNI configuration that a node uses for the cluster's pods: how an agent chooses it from the files of the node, and
// how it is written on the Node for the controller.

import { z } from 'zod';
import { checkJson, type Node } from '#api';
import { isOrbError } from '#base';

/** The annotation of a Node. Its agent writes it, also when the node has no configuration yet. */
export const CLUSTER_CNI_ANNOTATION = 'orbweaver.io/cluster-cni';

const clusterCniSchema = z.object({
  /** `name` of the configuration. Empty if the node has none. */
  name: z.string(),
  /** `type` of each plugin, in order. */
  types: z.array(z.string()),
});

export type ClusterCni = z.infer<typeof clusterCniSchema>;

/** A file of the CNI configuration folder, usually /etc/cni/net.d. */
export interface CniFile {
  readonly name: string;
  readonly text: string;
}

/** One plugin, or a list of plugins. */
const pluginsSchema = z.looseObject({
  type: z.string().optional(),
  plugins: z.array(z.looseObject({ type: z.string() })).optional(),
});

const confSchema = pluginsSchema.extend({
  name: z.string(),
  delegates: z.array(pluginsSchema.extend({ name: z.string().optional() })).optional(),
});

/** Whether runtimes read a file of that name as a configuration (libcni, ConfFiles). */
export function isCniFileName(name: string): boolean {
  return /\.(conf|conflist|json)$/.test(name);
}

/**
 * The first readable configuration by file name, as runtimes choose. Multus only passes on to another one, so it is not
 * the answer. When it is the only one, the network that it passes pods to is.
 */
export function clusterCni(files: Iterable<CniFile>): ClusterCni {
  const named = [...files]
    .filter(({ name }) => isCniFileName(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const readable = named.flatMap(readConf);
  const own = readable.find((conf) => !isMultus(conf));
  if (own !== undefined) return { name: own.name, types: typesOf(own) };
  const [delegate] = readable.flatMap(({ delegates = [] }) => delegates);
  return { name: delegate?.name ?? '', types: delegate === undefined ? [] : typesOf(delegate) };
}

type Conf = z.infer<typeof confSchema>;

function readConf({ name, text }: CniFile): Conf[] {
  try {
    return [checkJson(confSchema, text, { subject: name })];
  } catch (error) {
    // Runtimes go on to the next file as well.
    if (isOrbError(error, 'INPUT_INVALID')) return [];
    throw error;
  }
}

function typesOf({ type, plugins = [] }: z.infer<typeof pluginsSchema>): string[] {
  return [...(type === undefined ? [] : [type]), ...plugins.map((plugin) => plugin.type)];
}

function isMultus(conf: Conf): boolean {
  return typesOf(conf).some((type) => type.startsWith('multus'));
}

/** The value of {@link CLUSTER_CNI_ANNOTATION}. */
export function clusterCniText({ name, types }: ClusterCni): string {
  return JSON.stringify({ name, types });
}

/** What the node's agent wrote. Undefined if it wrote nothing readable. */
export function clusterCniOf({ metadata }: Node): ClusterCni | undefined {
  const text = metadata.annotations?.[CLUSTER_CNI_ANNOTATION];
  if (text === undefined) return undefined;
  try {
    return checkJson(clusterCniSchema, text, { subject: `annotation ${CLUSTER_CNI_ANNOTATION}` });
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return undefined;
    throw error;
  }
}
