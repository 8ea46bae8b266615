// The sandboxes of a node on disk. A record is written before the kernel is changed, so that a restarted kubelet finds all of them.

import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { check, type NetConfList, parseNetConfList } from '#api';
import { readRecord, removeDurably, writeRecord } from '#kernel';
import type { PodNetwork } from './pod-networks.ts';

const recordSchema = z.object({
  containerId: z.string(),
  /** Path of its network namespace. */
  netns: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  /** Whether every ADD succeeded. A sandbox that is not ready is removed and never used. */
  ready: z.boolean(),
  /** Networks whose ADD was started, in order. */
  networks: z.array(
    z.object({
      name: z.string(),
      interface: z.string(),
      isDefault: z.boolean(),
      list: z.unknown().transform((list) => parseList(list)),
      capabilityArgs: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** One pod sandbox. */
export interface Sandbox extends Omit<z.infer<typeof recordSchema>, 'networks'> {
  readonly networks: readonly PodNetwork[];
}

function parseList(list: unknown): NetConfList {
  return parseNetConfList(JSON.stringify(list), { subject: 'sandbox record' });
}

/** The folder of the records, and its contents. */
export class SandboxStore {
  readonly #folder: string;
  readonly #sandboxes = new Map<string, Sandbox>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads the records of an earlier kubelet. A damaged record is set aside and reported, so that the others are still read. */
  async load(onDamage: (path: string, error: unknown) => void): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      if (!name.endsWith('.json') || name.startsWith('.')) continue;
      const path = join(this.#folder, name);
      try {
        const sandbox = check(recordSchema, await readRecord(path), { subject: path });
        this.#sandboxes.set(sandbox.containerId, sandbox);
      } catch (error) {
        await rename(path, `${path}.damaged`);
        onDamage(path, error);
      }
    }
  }

  all(): Sandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** The sandboxes of a pod, also those of earlier pods with the same name. */
  of(namespace: string, name: string): Sandbox[] {
    return this.all().filter(({ pod }) => pod.namespace === namespace && pod.name === name);
  }

  async put(sandbox: Sandbox): Promise<void> {
    this.#sandboxes.set(sandbox.containerId, sandbox);
    await writeRecord(this.#path(sandbox), sandbox);
  }

  async remove(sandbox: Sandbox): Promise<void> {
    await removeDurably(this.#path(sandbox));
    this.#sandboxes.delete(sandbox.containerId);
  }

  #path({ containerId }: Sandbox): string {
    return join(this.#folder, `${containerId}.json`);
  }
}
