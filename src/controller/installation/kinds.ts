// Brings the CustomResourceDefinitions of this version to the API server, before anything else reads the cluster.

import { type CustomResourceDefinition, crdManifests, resources } from '#api';
import { type Clock, errorText, type Logger } from '#base';
import { ifFound, type KubeClient, WorkQueue } from '#kube';
import { isEstablished, kindStep, marked, VERSION_ANNOTATION } from '#plan/installation';

const type = resources.customResourceDefinitions;
/** The API server publishes a new kind within some 100 ms. */
const LOOK_AGAIN_MS = 200;

export interface KindsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** The version of Orbweaver. */
  readonly version: string;
}

/** Every replica does this at its start. What another replica applied is applied again, and does not change. */
export class Kinds {
  readonly #options: KindsOptions;
  readonly #queue: WorkQueue;
  readonly #definitions: ReadonlyMap<string, CustomResourceDefinition>;
  /** Kinds that the server does not serve yet, with the last error. */
  readonly #missing: Map<string, string>;
  readonly #served = Promise.withResolvers<void>();

  constructor(options: KindsOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#definitions = new Map(crdManifests().map((crd) => [crd.metadata.name ?? '', crd]));
    this.#missing = new Map(Array.from(this.#definitions.keys(), (name) => [name, 'it is not applied yet']));
    this.#queue = new WorkQueue({ clock, log, work: (name, signal) => this.#install(name, signal) });
  }

  /** Resolves when the server serves all kinds. Tries again for ever, until {@link Kinds.stop}. */
  async install(): Promise<void> {
    for (const name of this.#definitions.keys()) this.#queue.add(name);
    await this.#served.promise;
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  /** Why a kind is missing. Undefined if none is. */
  get problem(): string | undefined {
    const [[name, reason] = []] = this.#missing;
    return name === undefined ? undefined : `the CustomResourceDefinition ${name} is missing: ${reason}`;
  }

  async #install(name: string, signal: AbortSignal): Promise<void> {
    try {
      const stored = await this.#applied(name, signal);
      if (isEstablished(stored)) this.#missing.delete(name);
      else {
        this.#missing.set(name, 'the API server does not serve it yet');
        this.#queue.addAfter(name, LOOK_AGAIN_MS);
      }
    } catch (error) {
      this.#missing.set(name, errorText(error));
      throw error;
    }
    if (this.#missing.size === 0) this.#served.resolve();
  }

  /** What the server has, after it got the definition of this version where that was due. */
  async #applied(name: string, signal: AbortSignal): Promise<CustomResourceDefinition> {
    const { client, log, version } = this.#options;
    const installed = await ifFound(client.get(type, { name }, { signal }));
    const step = kindStep(installed, version);
    const definition = this.#definitions.get(name);
    if (definition === undefined) throw new Error(`no kind ${name}`);
    if (installed !== undefined && step !== 'apply') {
      const newer = installed.metadata.annotations?.[VERSION_ANNOTATION];
      const why = step === 'keep-newer' ? `Orbweaver ${newer} applied it` : 'another program applied it';
      log.info({ kind: name }, `a CustomResourceDefinition stays as it is: ${why}`);
      return installed;
    }
    const body = {
      apiVersion: `${type.group}/${type.version}`,
      kind: type.kind,
      ...marked(definition, version),
    };
    return client.patch(type, { name }, { type: 'apply', force: true, body }, { signal });
  }
}
