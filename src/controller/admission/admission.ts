// Admission on a cluster: certificates, the HTTPS server of the webhooks, and the decisions behind it.

import { type KubeObject, resources } from '#api';
import type { Clock, Logger } from '#base';
import type { KubeClient, ObjectChange } from '#kube';
import type { AdmissionCluster } from '#plan/admission';
import { CONTROLLER } from '#plan/installation';
import { CaBundles } from './ca-bundles.ts';
import { Claims } from './claims.ts';
import { caBundleOf, type ShownIdentity } from './identity.ts';
import { IdentitySecret } from './identity-secret.ts';
import type { PodReviewOptions } from './pod-reviewers.ts';
import { ProvidedSecret } from './provided-secret.ts';
import { reviewersOf } from './reviewers.ts';
import { WebhookServer } from './webhook-server.ts';

export interface AdmissionOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the Service and of the Secret. */
  readonly namespace: string;
  /** The Secret with certificates that others make; undefined if the controller makes them. */
  readonly providedSecret: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  readonly cluster: AdmissionCluster;
  /** Why the cluster is not known yet. */
  readonly unready: () => string | undefined;
  /** The namespace, as far as it is known. */
  readonly namespaceNamed: PodReviewOptions['namespaceNamed'];
  readonly invalidAnnotations: PodReviewOptions['invalidAnnotations'];
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #server: WebhookServer;
  readonly #secret: IdentitySecret | ProvidedSecret;
  readonly #bundles: CaBundles;
  readonly #claims: Claims;
  #port = 0;

  constructor(options: AdmissionOptions) {
    const { client, clock, log, namespace, cluster, namespaceNamed, invalidAnnotations } = options;
    const readNetworks = async () => {
      const [pools, subnets] = await Promise.all([
        client.list(resources.spiderIPPools),
        client.list(resources.spiderSubnets),
      ]);
      return { pools: () => pools.items, subnets: () => subnets.items };
    };
    const pods = { cluster, configs: cluster.multusConfigs, namespaceNamed, invalidAnnotations };
    const shared = { client, clock, log };
    this.#options = options;
    this.#claims = new Claims({ client, clock, namespace });
    this.#server = new WebhookServer({
      log,
      unready: options.unready,
      reviewers: reviewersOf({ cluster, pods, claims: this.#claims, readNetworks }),
    });
    const service = { namespace, name: CONTROLLER };
    this.#bundles = new CaBundles({ ...shared, service });
    const host = `${CONTROLLER}.${namespace}.svc`;
    const adopted = (identity: ShownIdentity) => {
      this.#server.show(identity.serving);
      this.#bundles.bundle = caBundleOf(identity);
      log.info({ port: this.#port }, 'the webhooks have their certificates');
    };
    const { providedSecret: name } = options;
    this.#secret =
      name === undefined
        ? new IdentitySecret({ ...shared, namespace, names: [host, `${host}.cluster.local`], adopted })
        : new ProvidedSecret({ ...shared, namespace, name, host, adopted });
  }

  /** Resolves when the port is open. Certificates follow: {@link Admission.problem}. */
  async start(): Promise<void> {
    this.#port = await this.#server.listen(this.#options.port);
    this.#secret.start();
    this.#bundles.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#server.stop(), this.#secret.stop(), this.#bundles.stop()]);
  }

  /** A handler of changes of pools and subnets. */
  shows(plural: string, change: ObjectChange<KubeObject>): void {
    this.#claims.shows(plural, change);
  }

  get port(): number {
    return this.#port;
  }

  /** Why the webhooks cannot be called. Undefined if they can. */
  get problem(): string | undefined {
    return this.#secret.problem;
  }
}
