// Which network namespace is whose pod: written by the lab's kubelets, read by the table, `lab ls` and `lab exec`.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const podRecordSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  node: z.string(),
  /** Path of its network namespace, `/run/netns/…`: seen from every node and from the lab. */
  netns: z.string(),
  containerId: z.string(),
});

/** A pod that has a sandbox. */
export type PodRecord = z.infer<typeof podRecordSchema>;

/** The folder of records of all nodes of a lab, below its folder. */
export function podRecordsIn(labFolder: string): string {
  return join(labFolder, 'pods');
}

function pathOf(folder: string, { namespace, name }: Pick<PodRecord, 'namespace' | 'name'>): string {
  return join(folder, `${namespace}_${name}.json`);
}

export function writePodRecord(folder: string, record: PodRecord): void {
  mkdirSync(folder, { recursive: true });
  const path = pathOf(folder, record);
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
}

export function removePodRecord(folder: string, pod: Pick<PodRecord, 'namespace' | 'name'>): void {
  rmSync(pathOf(folder, pod), { force: true });
}

/** All records, by namespace and name. Pods come and go meanwhile, and the first one makes the folder. */
export function readPodRecords(folder: string): PodRecord[] {
  const names = ifThere(() => readdirSync(folder)) ?? [];
  return names
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => ifThere(() => readFileSync(join(folder, name), 'utf8')) ?? [])
    .map((text) => podRecordSchema.parse(JSON.parse(text)));
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
