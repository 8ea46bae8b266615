// All that pods leave on the node and in the cluster: what must be as before once they are gone.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, type SuiteContext, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resources } from '#api';
import { kernelLines } from '../conformance/kernel-state.ts';
import type { OneNode } from './one-node.ts';
import type { Runtime } from './runtime.ts';

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

/** How a node differs from what it should look like, as the same lines. */
interface Difference {
  readonly missing: readonly string[];
  readonly added: readonly string[];
}

/** What tests that failed have changed and nobody could undo: no later test is blamed for it. One node a process. */
let forgiven: Difference = { missing: [], added: [] };

/** Of equal lines, each takes one away. */
function without(lines: readonly string[], taken: readonly string[]): string[] {
  const left = [...lines];
  for (const line of taken) if (left.includes(line)) left.splice(left.indexOf(line), 1);
  return left;
}

function linesOf(seen: Footprint): string[] {
  const parts = Object.entries<readonly string[]>({ ...seen });
  return parts.flatMap(([what, lines]) => lines.map((line) => `${what}: ${line}`));
}

function compare(before: Footprint, now: Footprint): Difference {
  const [old, young] = [linesOf(before), linesOf(now)];
  return { missing: without(old, young), added: without(young, old) };
}

/** The difference once there is none, or after that time: the kernel ends namespaces, and the agent its retries, in the background. */
async function settled(node: OneNode, before: Footprint, patienceMs: number): Promise<Difference> {
  for (const deadline = performance.now() + patienceMs; ; await sleep(20)) {
    const { missing, added } = compare(before, await footprint(node));
    const unforgiven = { missing: without(missing, forgiven.missing), added: without(added, forgiven.added) };
    const isClean = unforgiven.missing.length + unforgiven.added.length === 0;
    if (isClean || performance.now() > deadline) return unforgiven;
  }
}

/**
 * For all tests of a file or a suite: each must leave its node as it was, with both programs running. What a failed test has
 * left is taken away by its DELs, so that it drags no other test along.
 */
export function leaveNothing(runtime: Runtime, nodeOf: () => OneNode): void {
  let clean: Footprint | undefined;
  beforeEach(async () => {
    clean ??= await footprint(nodeOf());
  });
  afterEach(async (test) => {
    const node = nodeOf();
    if (clean === undefined) return;
    await node.revive();
    const left = await settled(node, clean, isPassed(test) ? 40_000 : 0);
    await runtime.clear();
    if (isPassed(test) && left.missing.length + left.added.length === 0) return;
    const { missing, added } = await settled(node, clean, 2000);
    forgiven = {
      missing: [...forgiven.missing, ...missing],
      added: [...forgiven.added, ...added],
    };
    if (isPassed(test))
      assert.deepEqual(left, { missing: [], added: [] }, 'the test leaves its node as it was');
  });
}

function isPassed(test: TestContext | SuiteContext): boolean {
  return 'passed' in test && test.passed;
}
