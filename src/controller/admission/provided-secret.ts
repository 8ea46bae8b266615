// A Secret with certificates of the webhooks that others make and renew, for example cert-manager. It is only read.

import { X509Certificate } from 'node:crypto';
import { resources, type Secret } from '#api';
import { type Clock, errorText, type Logger, OrbError } from '#base';
import { type KubeClient, Reflector, WorkQueue } from '#kube';
import { readProvided, type ShownIdentity } from './identity.ts';

const type = resources.secrets;

export interface ProvidedSecretOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  readonly name: string;
  /** The host name by which the API server calls the webhooks. */
  readonly host: string;
  /** Called with the first certificates, and with every other ones after them. */
  readonly adopted: (identity: ShownIdentity) => void;
}

export class ProvidedSecret {
  readonly #options: ProvidedSecretOptions;
  readonly #queue: WorkQueue;
  readonly #reflector: Reflector<Secret>;
  #adopted: string | undefined;
  /** Why there are no certificates. Undefined if there are. */
  problem: string | undefined;

  constructor(options: ProvidedSecretOptions) {
    const { client, clock, log, namespace, name } = options;
    this.#options = options;
    this.problem = `there is no Secret ${namespace}/${name} with certificates of the webhooks`;
    this.#queue = new WorkQueue({ clock, log, work: () => this.#read() });
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    this.#reflector = new Reflector({ client, clock, log, type, selection });
    this.#reflector.subscribe(() => this.#queue.add(name));
  }

  start(): void {
    this.#reflector.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#reflector.stop(), this.#queue.stop()]);
  }

  /** A Secret that is deleted or damaged changes nothing: the certificates that are shown stay. */
  async #read(): Promise<void> {
    const { namespace, name, host, log, adopted } = this.#options;
    const secret = this.#reflector.store.get(name, namespace);
    if (secret === undefined) return;
    const subject = `Secret ${namespace}/${name}`;
    try {
      const identity = readProvided(secret.data ?? {}, subject);
      if (new X509Certificate(identity.serving.certificate).checkHost(host) === undefined) {
        const message = `${subject}: tls.crt is not for ${host}`;
        throw new OrbError('WEBHOOK_SECRET_INVALID', { message, subject });
      }
      this.problem = undefined;
      const now = JSON.stringify(identity);
      if (now === this.#adopted) return;
      this.#adopted = now;
      adopted(identity);
    } catch (error) {
      if (this.#adopted === undefined) this.problem = errorText(error);
      log.error({ object: subject, err: error }, 'the certificates of the webhooks cannot be used');
    }
  }
}
