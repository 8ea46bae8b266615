// Writes the certificates that the API server checks our webhooks with, and no other field, into our webhook configurations.

import { type ResourceType, resources, type WebhookConfiguration } from '#api';
import type { Clock, Logger } from '#base';
import { type KubeClient, Reflector, WorkQueue } from '#kube';
import { WEBHOOK_CONFIGURATION } from '#plan/installation';

const types: readonly ResourceType<WebhookConfiguration>[] = [
  resources.mutatingWebhookConfigurations,
  resources.validatingWebhookConfigurations,
];

export interface CaBundlesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The Service of the webhooks. Webhooks of other Services are not touched. */
  readonly service: { readonly namespace: string; readonly name: string };
}

/** Every replica does this: the last certificates are there also while no replica leads. */
export class CaBundles {
  readonly #options: CaBundlesOptions;
  readonly #queue: WorkQueue;
  readonly #reflectors: ReadonlyMap<string, Reflector<WebhookConfiguration>>;
  #bundle: string | undefined;

  constructor(options: CaBundlesOptions) {
    const { client, clock, log } = options;
    this.#options = options;
    this.#queue = new WorkQueue({ clock, log, work: (kind, signal) => this.#write(kind, signal) });
    const selection = { fieldSelector: `metadata.name=${WEBHOOK_CONFIGURATION}` };
    this.#reflectors = new Map(
      types.map((type) => {
        const reflector = new Reflector({ client, clock, log, type, selection });
        reflector.subscribe(() => this.#queue.add(type.kind));
        return [type.kind, reflector];
      }),
    );
  }

  start(): void {
    for (const reflector of this.#reflectors.values()) reflector.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    await Promise.all(Array.from(this.#reflectors.values(), (reflector) => reflector.stop()));
  }

  /** What is written from now on: PEM certificates in base64. */
  set bundle(bundle: string) {
    this.#bundle = bundle;
    for (const { kind } of types) this.#queue.add(kind);
  }

  async #write(kind: string, signal: AbortSignal): Promise<void> {
    const type = types.find((one) => one.kind === kind);
    const configuration = this.#reflectors.get(kind)?.store.get(WEBHOOK_CONFIGURATION);
    if (type === undefined || configuration === undefined || this.#bundle === undefined) return;
    const body = bundlePatch(configuration, this.#options.service, this.#bundle);
    if (body.length === 0) return;
    const ref = { name: WEBHOOK_CONFIGURATION };
    await this.#options.client.patch(type, ref, { type: 'json', body }, { signal });
    this.#options.log.info(
      { kind, name: WEBHOOK_CONFIGURATION },
      'the certificates of the webhooks were spread',
    );
  }
}

/** A JSON patch (RFC 6902). Its tests fail if the list of webhooks has changed since it was read. */
export function bundlePatch(
  { webhooks = [] }: WebhookConfiguration,
  service: CaBundlesOptions['service'],
  caBundle: string,
): object[] {
  return webhooks.flatMap(({ name, clientConfig }, index) => {
    const { namespace, name: target } = clientConfig.service ?? {};
    if (namespace !== service.namespace || target !== service.name) return [];
    if (clientConfig.caBundle === caBundle) return [];
    return [
      { op: 'test', path: `/webhooks/${index}/name`, value: name },
      { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
    ];
  });
}
