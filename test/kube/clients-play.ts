// Real clients on the embedded API server: Helm, a controller with the Kubernetes libraries, the Python client.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedServer } from '../embedded-server.ts';
import { run } from './command.ts';
import { playController } from './controller-play.ts';
import { playHelm } from './helm-play.ts';
import { playImport } from './import-play.ts';
import { type Outcomes, Unreached } from './outcome.ts';
import { playProtobuf } from './protobuf-play.ts';
import { playPython } from './python-play.ts';

/** The inputs of the client tests. */
export interface ClientParts {
  readonly outcomes: Outcomes;
  /** The result of {@link builtPrograms}. */
  readonly programs: string;
  readonly environment: Readonly<Record<string, string>> & { readonly KUBECONFIG: string };
  /** Runs kubectl on the server. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
}

/** Tries every client; `programs` is the folder of the client programs. */
export async function playClients(outcomes: Outcomes, programs: string): Promise<void> {
  console.log('real clients on the embedded API server:');
  const folder = mkdtempSync(join(tmpdir(), 'orbweaver-clients-'));
  const server = await EmbeddedServer.start(folder);
  const home = { HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder };
  const environment = { KUBECONFIG: server.kubeconfig, KUBECACHEDIR: join(folder, 'kubectl'), ...home };
  const kubectl = (args: readonly string[], input = '') =>
    run(['kubectl', ...args], { env: environment, input });
  const parts: ClientParts = { outcomes, programs, environment, kubectl };
  try {
    for (const play of [playProtobuf, playHelm, playController, playImport, playPython]) {
      try {
        await play(parts);
      } catch (error) {
        if (!(error instanceof Unreached)) throw error;
        console.log('     the rest of this client was not tried');
      }
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}
