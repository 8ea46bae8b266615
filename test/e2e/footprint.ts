// All that pods leave on the node and in the cluster: what must be as before once they are gone.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { kernelLines } from '../conformance/kernel-state.ts';
import type { OneNode } from './one-node.ts';

/** Kernel objects of the node, held addresses, files. */
export interface Footprint {
  readonly kernel: readonly string[];
  readonly held: readonly string[];
  readonly attachments: readonly string[];
  readonly queue: readonly string[];
}

function files(folder: string): string[] {
  // What a killed agent was just writing begins with a dot; a later start removes it.
  const names = readdirSync(`/var/lib/orbweaver/${folder}`).filter((name) => !name.startsWith('.'));
  return names.toSorted();
}

export async function footprint({ client }: OneNode): Promise<Footprint> {
  const { items } = await client.list(resources.spiderIPPools);
  return {
    kernel: kernelLines(),
    held: items.flatMap(({ metadata, status }) =>
      Object.keys(JSON.parse(status?.allocatedIPs ?? '{}') as object).map(
        (address) => `${metadata.name} ${address}`,
      ),
    ),
    attachments: files('attachments'),
    queue: files('del-queue'),
  };
}

/** Fails unless the node soon looks like `before`: the kernel ends namespaces, and the agent its retries, in the background. */
export async function expectFootprint(node: OneNode, before: Footprint, patienceMs = 40_000): Promise<void> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(20)) {
    if (JSON.stringify(await footprint(node)) === JSON.stringify(before)) return;
  }
  assert.deepEqual(await footprint(node), before);
}
