// An API server without admission of its own, and a controller beside it whose webhooks it calls over HTTPS.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { crdManifests, type KubeObject, type ResourceType, resources } from '#api';
import { type Admission, ApiServer, poolAdmission } from '#apiserver';
import { silentLogger, systemClock } from '#base';
import { type RunningController, startController } from '#controller';
import { noProvider } from '#iaas/testing';
import { parseNetwork } from '#ip';
import { connect, type KubeClient } from '#kube';
import { defaultAutomaticPools } from '#plan/subnet';
import { until } from '../e2e/program.ts';

/** Bodies are untyped on purpose: their form is what is tested. */
// oxlint-disable-next-line typescript/no-redundant-type-constituents
export type Body = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly code: number;
  readonly body: Body;
  readonly warnings: string;
}

const token = 'secret';
const root = join(import.meta.dirname, '../..');

/** The admission of the embedded API server, as its program has it. */
export function ownAdmission(cluster: Cluster): Admission {
  const stored =
    <T extends KubeObject>(type: ResourceType<T>) =>
    () =>
      cluster.server.objects(type) as unknown as T[];
  return poolAdmission({
    pools: stored(resources.spiderIPPools),
    subnets: stored(resources.spiderSubnets),
    nodes: stored(resources.nodes),
    multusConfigs: stored(resources.spiderMultusConfigs),
    definitions: stored(resources.networkAttachmentDefinitions),
  });
}

/** The embedded API server with our CRDs, in this process. */
export class Cluster {
  readonly #folder = mkdtempSync(join(tmpdir(), 'admission-'));
  readonly server: ApiServer;
  readonly #replicas: RunningController[] = [];
  #port = 0;

  constructor(admission?: (cluster: Cluster) => Admission) {
    this.server = new ApiServer({
      dataDirectory: this.#folder,
      token,
      services: { clusterCidrs: [parseNetwork('10.96.0.0/16')], nodePorts: { first: 30_000, last: 30_010 } },
      clock: systemClock,
      logger: silentLogger,
      onDiskFailure: (error) => {
        throw error;
      },
      ...(admission !== undefined && { admission: admission(this) }),
    });
  }

  async start(): Promise<void> {
    await this.server.start();
    this.#port = await this.server.listen({ host: '127.0.0.1', port: 0 });
    for (const crd of crdManifests()) await this.client().create(resources.customResourceDefinitions, crd);
  }

  async stop(): Promise<void> {
    for (const replica of this.#replicas) await replica.stop();
    await this.server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  client(): KubeClient & { close(): void } {
    return connect(
      {
        server: new URL(`http://127.0.0.1:${this.#port}`),
        tls: {},
        authorization: () => `Bearer ${token}`,
        namespace: 'default',
      },
      { log: silentLogger },
    );
  }

  /** A request as kubectl sends it. */
  async call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const warnings = response.headers.get('warning') ?? '';
    return { code: response.status, body: (await response.json()) as Body, warnings };
  }

  /** Starts a replica of the controller. It does not wait for its certificates. */
  async startReplica(
    name: string,
    invalidAnnotations: 'refuse' | 'warn' = 'warn',
  ): Promise<RunningController> {
    const replica = await startController({
      iaas: noProvider,
      client: this.client(),
      clock: systemClock,
      log: silentLogger,
      namespace: 'kube-system',
      identity: name,
      leaseTimes: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 500 },
      coordinatorName: 'default',
      readYaml: () => undefined,
      healthPort: 0,
      commits: undefined,
      automaticPools: defaultAutomaticPools,
      kindsVersion: undefined,
      defaults: [],
      webhookPort: 0,
      invalidAnnotations,
    });
    this.#replicas.push(replica);
    return replica;
  }

  /** Applies deploy/webhooks.yaml, with these replicas as the endpoints of its Service. */
  async install(...replicas: readonly RunningController[]): Promise<void> {
    const text = readFileSync(join(root, 'deploy/webhooks.yaml'), 'utf8');
    const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
    for (const object of objects) {
      const { namespace } = object.metadata;
      const place = namespace === undefined ? '' : `/namespaces/${namespace}`;
      const plural = `${object.kind?.toLowerCase()}s`;
      const prefix = object.apiVersion === 'v1' ? '/api/v1' : `/apis/${object.apiVersion}`;
      const { code, body } = await this.call('POST', `${prefix}${place}/${plural}`, object);
      if (code !== 201) throw new Error(JSON.stringify(body));
    }
    const [first] = replicas;
    await this.client().create(resources.endpointSlices, {
      metadata: {
        name: 'orbweaver-controller',
        namespace: 'kube-system',
        labels: { 'kubernetes.io/service-name': 'orbweaver-controller' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'] }],
      ports: [{ name: 'webhooks', port: first?.webhookPort ?? 0 }],
    });
    for (const { healthPort } of replicas) {
      await until('a replica is ready', async () => {
        const { ok } = await fetch(`http://127.0.0.1:${healthPort}/v1/runtime/readiness`);
        return ok;
      });
    }
    const types = [resources.mutatingWebhookConfigurations, resources.validatingWebhookConfigurations];
    await until('the certificates are spread', async () => {
      const configurations = await Promise.all(
        types.map((type) => this.client().get(type, { name: 'orbweaver' })),
      );
      return configurations.every(({ webhooks = [] }) =>
        webhooks.every(({ clientConfig }) => clientConfig.caBundle !== undefined),
      );
    });
  }
}
