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

const confSchema = z.looseObject({
  name: z.string(),
  type: z.string().optional(),
  plugins: z.array(z.looseObject({ type: z.string() })).optional(),
  delegates: z.array(z.looseObject({ name: z.string().optional(), type: z.string().optional() })).optional(),
});

/** Runtimes read these files (libcni, ConfFiles). */
const CONF_NAME = /\.(conf|conflist|json)$/;

/**
 * The first readable configuration by file name, as runtimes choose. Multus only passes on to another one, so it is not
 * the answer. When it is the only one, the network that it passes pods to is.
 */
export function clusterCni(files: Iterable<CniFile>): ClusterCni {
  const named = [...files]
    .filter(({ name }) => CONF_NAME.test(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const readable = named.flatMap(readConf);
  const own = readable.find((conf) => !isMultus(conf));
  if (own !== undefined) return { name: own.name, types: typesOf(own) };
  const [delegate] = readable.flatMap(({ delegates = [] }) => delegates);
  const types = delegate?.type === undefined ? [] : [delegate.type];
  return { name: delegate?.name ?? '', types };
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

function typesOf({ type, plugins = [] }: Conf): string[] {
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
