// Runs kubectl with the lab's kubeconfig. The files that it keeps stay in the lab.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '#api';
import { run } from './command.ts';
import { LAB_FOLDER } from './mounts.ts';
import { kubeconfigPath } from './running-labs.ts';

/** Applies the manifests, then the objects in this order. */
export async function applyAll(
  files: readonly string[],
  objects: readonly KubeObject[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  for (const file of files) await apply(file, environment);
  if (objects.length === 0) return;
  await apply('-', environment, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}

async function apply(path: string, environment: NodeJS.ProcessEnv, input = ''): Promise<void> {
  const home = join(LAB_FOLDER, 'home'); // for its cache
  mkdirSync(home, { recursive: true });
  const argv = ['kubectl', 'apply', '-f', path] as const;
  await run({ argv: [...argv], input }, { ...environment, KUBECONFIG: kubeconfigPath, HOME: home });
}
