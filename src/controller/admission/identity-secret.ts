// The Secret with the certificates of the webhooks. All replicas share it; any of them makes it and renews it.

import { resources, type Secret } from '#api';
import { type Clock, errorText, isOrbError, type Logger, OrbError } from '#base';
import { ifFound, type KubeClient, Reflector, WorkQueue } from '#kube';
import { IDENTITY_SECRET_LABEL, IDENTITY_SECRET_NAME } from '#plan/installation';
import { type Identity, identityData, newIdentity, readIdentity, renewedIdentity } from './identity.ts';

/** Certificates are renewed months before their end, so a check is not urgent. */
const CHECK_MS = 600_000;

const type = resources.secrets;

export interface IdentitySecretOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  /** The host names by which the API server calls the webhooks. */
  readonly names: readonly string[];
  /** Called with the first identity, and with every other one after it. */
  readonly adopted: (identity: Identity) => void;
}

export class IdentitySecret {
  readonly #options: IdentitySecretOptions;
  readonly #queue: WorkQueue;
  readonly #reflector: Reflector<Secret>;
  #adopted: string | undefined;
  /** Why there are no certificates. Undefined if there are. */
  problem: string | undefined = 'the certificates of the webhooks were not read yet';

  constructor(options: IdentitySecretOptions) {
    const { client, clock, log, namespace } = options;
    this.#options = options;
    this.#queue = new WorkQueue({ clock, log, work: (_, signal) => this.#ensure(signal) });
    const selection = { namespace, fieldSelector: `metadata.name=${IDENTITY_SECRET_NAME}` };
    this.#reflector = new Reflector({ client, clock, log, type, selection });
    this.#reflector.subscribe(() => this.#queue.add(IDENTITY_SECRET_NAME));
  }

  start(): void {
    this.#reflector.start();
    this.#queue.add(IDENTITY_SECRET_NAME);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#reflector.stop(), this.#queue.stop()]);
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    try {
      this.#adopt(await this.#stored(signal));
      this.#queue.addAfter(IDENTITY_SECRET_NAME, CHECK_MS);
    } catch (error) {
      // Another replica was faster. What it wrote is adopted at once.
      if (isOrbError(error, 'KUBE_ALREADY_EXISTS') || isOrbError(error, 'KUBE_CONFLICT')) {
        this.#queue.add(IDENTITY_SECRET_NAME);
        return;
      }
      if (this.#adopted === undefined) this.problem = errorText(error);
      throw error;
    }
  }

  /** What the Secret has, after it was made or renewed where that was due. */
  async #stored(signal: AbortSignal): Promise<Identity> {
    const { client, clock, names, namespace } = this.#options;
    const ref = { namespace, name: IDENTITY_SECRET_NAME };
    const secret = await ifFound(client.get(type, ref, { signal }));
    if (secret === undefined) {
      const identity = newIdentity(names, clock.now());
      const metadata = { ...ref, labels: { [IDENTITY_SECRET_LABEL.key]: IDENTITY_SECRET_LABEL.value } };
      await client.create(type, { metadata, type: 'Opaque', data: identityData(identity) }, { signal });
      return identity;
    }
    const before = this.#read(secret);
    const identity =
      before === undefined ? newIdentity(names, clock.now()) : renewedIdentity(before, names, clock.now());
    if (identity !== before) {
      await client.update(type, { ...secret, data: identityData(identity) }, { signal });
    }
    return identity;
  }

  /** Undefined if the Secret is ours and damaged. */
  #read({ metadata, data = {} }: Secret): Identity | undefined {
    const subject = `Secret ${metadata.namespace}/${metadata.name}`;
    const { key: label, value } = IDENTITY_SECRET_LABEL;
    if (metadata.labels?.[label] !== value) {
      const message = `${subject} was not made by this controller: it has no label ${label}=${value}`;
      throw new OrbError('WEBHOOK_SECRET_FOREIGN', { message, subject });
    }
    try {
      return readIdentity(data, subject);
    } catch (error) {
      if (!isOrbError(error, 'WEBHOOK_SECRET_INVALID')) throw error;
      const fields = { code: error.code, object: subject };
      this.#options.log.error(fields, `new certificates replace damaged ones: ${error.message}`);
      return undefined;
    }
  }

  #adopt(identity: Identity): void {
    const now = JSON.stringify(identity);
    this.problem = undefined;
    if (now === this.#adopted) return;
    this.#adopted = now;
    this.#options.adopted(identity);
  }
}
