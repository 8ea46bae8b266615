// The embedded API server and replicas of the controller, as real processes on loopback.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KubeObject, resources } from '#api';
import { isOrbError, silentLogger } from '#base';
import { connect, type KubeClient, kubeconfigFile } from '#kube';
import { Daemon, until } from './program.ts';

const root = join(import.meta.dirname, '../..');

/** Short times, so that a test sees a replica take over. Seconds. */
const leaseTimes = ['LEADER_DURATION=3', 'LEADER_RENEW_DEADLINE=2', 'LEADER_RETRY_PERIOD=1'];

export class ControlPlane {
  readonly folder = mkdtempSync(join(tmpdir(), 'orbweaver-controller-'));
  readonly #apiServer: Daemon;
  readonly #replicas = new Map<string, Daemon>();
  /**
   * Stays the same when the API server starts again. A port of the kernel's own range would not do: a replica that connects
   * while the server is away may get the port itself.
   */
  readonly #address: string;
  #client: KubeClient | undefined;

  /** `number`: which one of several of a test, less than 10. `host`: where the API server listens. */
  constructor(number = 0, host = '127.0.0.1') {
    this.#address = `${host}:${20_000 + 10 * (process.pid % 1_000) + number}`;
    this.#apiServer = this.#server();
  }

  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  get client(): KubeClient {
    this.#client ??= connect(kubeconfigFile(this.kubeconfig), { log: silentLogger });
    return this.#client;
  }

  async start(): Promise<void> {
    await this.#apiServer.start(() => this.#answers());
  }

  async stop(): Promise<void> {
    for (const replica of this.#replicas.values()) await replica.stop('SIGKILL');
    await this.#apiServer.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Ends the API server, and starts it again at the same address. */
  async restartApiServer(): Promise<void> {
    await this.#apiServer.stop();
    await this.#server().start(() => this.#answers());
  }

  /** Starts a replica without any capability, which installs its kinds. Resolves when it has read the cluster. */
  async startReplica(
    name: string,
    options: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Daemon> {
    const replica = new Daemon(name, this.folder, [
      ...['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'],
      ...['env', `SPIDERPOOL_POD_NAME=${name}`],
      ...leaseTimes.map((time) => `SPIDERPOOL_${time}`),
      ...Object.entries(environment).map(([key, value]) => `${key}=${value}`),
      ...[process.execPath, join(root, 'dist/controller.mjs'), '--health-port', 'none'],
      ...['--webhook-port', 'none'],
      ...['--kubeconfig', this.kubeconfig, '--install-kinds', ...options],
    ] as unknown as [string, ...string[]]);
    this.#replicas.set(name, replica);
    await replica.start(() => replica.log.includes('the controller has read the cluster'));
    return replica;
  }

  /** A replica that was started. */
  replica(name: string): Daemon {
    const replica = this.#replicas.get(name);
    if (replica === undefined) throw new Error(`no replica ${name} was started`);
    return replica;
  }

  /** The name of the replica that holds the lease. */
  async leader(): Promise<string | undefined> {
    const ref = { namespace: 'kube-system', name: 'orbweaver-controller' };
    try {
      const { spec } = await this.client.get(resources.leases, ref);
      return spec?.holderIdentity?.split('_')[0] || undefined;
    } catch (error) {
      if (isOrbError(error, 'KUBE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** Applies the objects as a user does. */
  apply(...items: readonly KubeObject[]): void {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    execFileSync('kubectl', ['--kubeconfig', this.kubeconfig, 'apply', '-f', '-'], { input });
  }

  #server(): Daemon {
    return new Daemon('apiserver', this.folder, [
      ...([process.execPath, join(root, 'dist/apiserver.mjs'), '--listen', this.#address] as const),
      ...['--data-dir', join(this.folder, 'api'), '--token-file', join(this.folder, 'token')],
      ...['--kubeconfig', this.kubeconfig],
    ]);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.client.list(resources.namespaces);
      return true;
    } catch {
      this.#client = undefined;
      return false;
    }
  }
}

/** Resolves with the first result that is not undefined. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  timeoutMs?: number,
): Promise<T> {
  let found: T | undefined;
  await until(
    what,
    async () => {
      found = await look();
      return found !== undefined;
    },
    timeoutMs,
  );
  return found as T;
}
