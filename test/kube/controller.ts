// Our controller on a node, as a Deployment would run it, with only the rights of its service account. Its webhooks serve.

import { join } from 'node:path';
import type { Cluster, NodeName } from './cluster.ts';
import { until } from './command.ts';
import { builtProgram, NodeProgram } from './node-program.ts';
import { internalAddresses } from './places.ts';
import { writeKubeconfig } from './service-account.ts';

const healthPort = 5720;
const webhookPort = 5722;
const node: NodeName = 'node1';
const [address = ''] = internalAddresses(0);

interface WebhookConfiguration {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

export class Controller {
  readonly #cluster: Cluster;
  readonly #root: string;
  #program: NodeProgram | undefined;

  constructor(cluster: Cluster, root: string) {
    this.#cluster = cluster;
    this.#root = root;
  }

  /** Resolves when it leads or waits for the lease, and the API server can call its webhooks. */
  async start(): Promise<void> {
    const cluster = this.#cluster;
    if (this.#program === undefined) {
      for (const part of ['controller-rbac', 'controller-admission', 'webhooks']) {
        await cluster.apply(join(this.#root, `deploy/${part}.yaml`));
      }
      await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(endpointSlice));
      const kubeconfig = await writeKubeconfig(cluster, { account: 'orbweaver-controller', node });
      const argv = [
        ...builtProgram(join(this.#root, 'dist'), 'controller'),
        ...['--kubeconfig', kubeconfig, '--commit-host', address, '--install-kinds'],
      ];
      const readyUrl = `http://127.0.0.1:${healthPort}/v1/runtime/readiness`;
      this.#program = new NodeProgram({ cluster, node, name: 'controller', argv, readyUrl });
    }
    await this.#program.start();
    await until('the webhooks have the certificates of their authority', 30, async () => {
      const { items } = (await cluster.get(
        'validatingwebhookconfigurations,mutatingwebhookconfigurations',
      )) as { items: WebhookConfiguration[] };
      const webhooks = items.flatMap((item) => item.webhooks);
      return webhooks.length > 1 && webhooks.every(({ clientConfig }) => clientConfig.caBundle !== undefined);
    });
  }

  async stop(signal: 'TERM' | 'KILL'): Promise<void> {
    await this.#program?.stop(signal);
  }

  async expectCleanLog(): Promise<void> {
    await this.#program?.expectCleanLog();
  }
}

/** Where the Service of deploy/webhooks.yaml leads: the controller is no pod here. */
const endpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'orbweaver-controller',
    namespace: 'kube-system',
    labels: { 'kubernetes.io/service-name': 'orbweaver-controller' },
  },
  addressType: 'IPv4',
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ name: 'webhooks', port: webhookPort }],
};
