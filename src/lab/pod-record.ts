// Which network namespace belongs to which pod. The lab's kubelets write it; the table, `lab ls` and `lab exec` read it.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const podRecordSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  node: z.string(),
  /** The path of its network namespace, `/run/netns/…`. It is the same on every node and in the lab. */
  netns: z.string(),
  containerId: z.string(),
});

/** A pod that has a sandbox. */
export type PodRecord = z.infer<typeof podRecordSchema>;

/** The folder below a lab's folder that has the records of all its nodes. */
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

/** All records, sorted by namespace and name. Pods may come and go during the read; the folder does not exist before the first pod. */
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
