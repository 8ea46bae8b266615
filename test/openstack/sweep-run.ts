// Runs `orbctl openstack sweep` for a cluster, with the login of the nodes.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ControlPlane } from '../e2e/controller-fixture.ts';
import { environmentOf } from './scene.ts';

const root = join(import.meta.dirname, '../..');

export async function sweepOf(
  cluster: Pick<ControlPlane, 'kubeconfig'>,
  ...words: readonly string[]
): Promise<{ code: number | null; said: string }> {
  const argv = [join(root, 'dist/orbctl.mjs'), 'openstack', 'sweep', ...words];
  const env = { ...process.env, ...environmentOf(), KUBECONFIG: cluster.kubeconfig };
  const child = spawn(process.execPath, argv, { env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, said };
}
