// The results of ADD, kept on disk for CHECK, DEL and GC, in the form of libcni's own cache (libcni, api.go, cachedInfo).

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { checkJson, type NetConfList, parseNetConfList } from '#api';
import type { Attachment } from './attachment.ts';

const pairs = z.array(z.tuple([z.string(), z.string()]));

const cachedSchema = z.object({
  kind: z.literal('cniCacheV1'),
  containerId: z.string(),
  /** The configuration list in base64, as Go encodes bytes. */
  config: z.string(),
  ifName: z.string(),
  networkName: z.string(),
  netns: z.string().optional(),
  cniArgs: pairs.optional(),
  capabilityArgs: z.record(z.string(), z.unknown()).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
});

/** A cached attachment: its configuration, its parameters and its result. */
export interface CachedAttachment {
  readonly list: NetConfList;
  readonly attachment: Attachment;
  /** The result as the last plugin printed it. */
  readonly result: unknown;
}

/** One file for each attachment. */
export class ResultCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(list: NetConfList, attachment: Attachment, result: unknown): Promise<void> {
    const { containerId, interface: ifName, netns, args, capabilityArgs } = attachment;
    const cached = {
      kind: 'cniCacheV1',
      containerId,
      config: Buffer.from(JSON.stringify(list)).toString('base64'),
      ifName,
      networkName: list.name,
      netns,
      cniArgs: args,
      capabilityArgs,
      result,
    };
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(list.name, attachment);
    await writeFile(`${path}.new`, JSON.stringify(cached), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  /** Undefined if nothing was cached. */
  async get(network: string, attachment: Attachment): Promise<CachedAttachment | undefined> {
    return this.#read(this.#path(network, attachment));
  }

  async remove(network: string, attachment: Attachment): Promise<void> {
    await rm(this.#path(network, attachment), { force: true });
  }

  /** All attachments of a network. */
  async of(network: string): Promise<CachedAttachment[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const files = names.filter((name) => name.startsWith(`${network}-`) && !name.endsWith('.new'));
    const all = await Promise.all(files.map((name) => this.#read(join(this.#folder, name))));
    return all.filter((cached) => cached !== undefined).filter(({ list }) => list.name === network);
  }

  #path(network: string, { containerId, interface: ifName }: Attachment): string {
    return join(this.#folder, `${network}-${containerId}-${ifName}`);
  }

  async #read(path: string): Promise<CachedAttachment | undefined> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const subject = `CNI result ${path}`;
    const cached = checkJson(cachedSchema, text, { subject });
    return {
      list: parseNetConfList(Buffer.from(cached.config, 'base64').toString(), { subject }),
      attachment: {
        containerId: cached.containerId,
        netns: cached.netns ?? '',
        interface: cached.ifName,
        args: cached.cniArgs ?? [],
        capabilityArgs: cached.capabilityArgs ?? {},
      },
      result: cached.result,
    };
  }
}
