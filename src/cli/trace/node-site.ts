// The places of the node that this runs on: its own namespace, and those of its pods that have an attachment of ours.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, OrbError, silentLogger } from '#base';
import type { KubeClient } from '#kube';
import { Attachments, MemoryStateFiles } from '#node';
import { socketFlag } from '../context.ts';
import type { Site, SitePlace } from './site.ts';
import { askServicesAt } from './socket-call.ts';

/** The folder where the agent keeps its records. */
const ATTACHMENTS = '/var/lib/orbweaver/attachments';

export async function nodeSite(client: KubeClient, node: string, folder = ATTACHMENTS): Promise<Site> {
  const attachments = await Attachments.open(await copyOf(folder), silentLogger);
  const pods = new Map<string, SitePlace>();
  for (const { pod, netns, supersededBy } of attachments.all()) {
    if (pod === undefined || netns === undefined || supersededBy !== undefined) continue;
    const name = `${pod.namespace}/${pod.name}`;
    pods.set(name, { name, kind: 'pod', node, netns: netns.path });
  }
  const places: SitePlace[] = [{ name: node, kind: 'node', netns: 'current' }, ...pods.values()];
  return { client, node, places, askServices: askServicesAt(socketFlag.default) };
}

/** Only the agent writes to its folder, and reading it sets damaged files aside. So we read a copy. */
async function copyOf(folder: string): Promise<MemoryStateFiles> {
  const copy = new MemoryStateFiles();
  for (const name of await namesIn(folder)) {
    const bytes = name.startsWith('.') ? undefined : await bytesUnlessGone(join(folder, name));
    if (bytes !== undefined) await copy.write(name, bytes);
  }
  return copy;
}

/** A pod may end in the meantime. */
async function bytesUnlessGone(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const message = `this is not a node of Orbweaver, and no lab runs here: ${errorText(cause)}`;
    throw new OrbError('TRACE_OUT_OF_SIGHT', { message, cause });
  }
}
