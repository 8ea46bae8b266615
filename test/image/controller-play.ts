// The controller in a container: not root, no capability, nothing to write. It must lead and serve against an API server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedServer } from '../embedded-server.ts';
import { until } from '../kube/command.ts';
import type { Outcomes } from '../kube/outcome.ts';
import { writeBundle } from './bundle.ts';
import type { UnpackedImage } from './unpacked.ts';

/** Ports of nobody else on this machine: the container has its network. */
const healthPort = 25_720;

export async function playController(outcomes: Outcomes, image: UnpackedImage, work: string): Promise<void> {
  const folder = join(work, 'controller');
  mkdirSync(folder);
  const server = await EmbeddedServer.start(folder);
  const id = `orbweaver-controller-${process.pid}`;
  try {
    // The container's user must read what a pod gets as a projected volume.
    for (const file of ['', 'kubeconfig']) chmodSync(join(folder, file), 0o755);
    const ports = ['--health-port', String(healthPort), '--webhook-port', 'none', '--commit-port', 'none'];
    const bundle = join(work, 'controller-bundle');
    writeBundle(bundle, {
      image,
      args: ['--kubeconfig', '/config/kubeconfig', '--install-kinds', ...ports],
      capabilities: [],
      mounts: [{ from: folder, to: '/config', readOnly: true }],
      cgroup: `/orbweaver-image/${id}`,
    });
    const child = spawn('runc', ['run', '--bundle', bundle, id], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
    const ended = once(child, 'exit');
    await outcomes.check(
      'the controller is ready as user 65532 with a read-only root and no capability',
      async () => {
        await until('the controller is ready', 60, async () => {
          if (child.exitCode !== null) throw new Error(`it ended: ${Buffer.concat(said).toString()}`);
          const answer = await fetch(`http://127.0.0.1:${healthPort}/v1/runtime/readiness`);
          return answer.ok;
        });
      },
    );
    await outcomes.check('the controller ends with 0 after SIGTERM', async () => {
      child.kill('SIGTERM');
      await ended;
      if (child.exitCode !== 0)
        throw new Error(`exit code ${child.exitCode}: ${Buffer.concat(said).toString()}`);
    });
  } finally {
    await server.stop();
  }
}
