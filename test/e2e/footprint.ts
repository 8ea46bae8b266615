// Everything that pods leave on the node and in the cluster. When the pods are gone, it must be as before.

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
  // The name of a file that a killed agent was writing begins with a dot. A later start removes it.
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

/** The difference between a node and its expected state, as the same lines. */
interface Difference {
  readonly missing: readonly string[];
  readonly added: readonly string[];
}

/** Changes by failed tests that nobody could undo. Later tests are not blamed for them. There is one node per process. */
let forgiven: Difference = { missing: [], added: [] };

/** Each line removes only one equal line. */
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

/**
 * The difference as soon as it is empty, or else after that time.
 * The kernel ends namespaces in the background, and the agent retries there.
 */
async function settled(node: OneNode, before: Footprint, patienceMs: number): Promise<Difference> {
  for (const deadline = performance.now() + patienceMs; ; await sleep(20)) {
    const { missing, added } = compare(before, await footprint(node));
    const unforgiven = { missing: without(missing, forgiven.missing), added: without(added, forgiven.added) };
    const isClean = unforgiven.missing.length + unforgiven.added.length === 0;
    if (isClean || performance.now() > deadline) return unforgiven;
  }
}

/**
 * For all tests of a file or a suite. Each test must leave its node as it was, with both programs running. DELs remove
 * what a failed test has left, so that it does not make other tests fail.
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
