// The Services of the cluster with their EndpointSlices, and which Services have changed.

import type { EndpointSlice, Service } from '#api';
import { abortable, type Clock, type Logger } from '#base';
import { type KubeClient, keyOf, Reflector } from '#kube';
import { slimEndpointSlices, slimServices } from './slim-kinds.ts';

export interface ServiceViewOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

const SERVICE_NAME = 'kubernetes.io/service-name';
const BY_SERVICE = 'service';

/** Headless Services have no address. Their slices may be many. */
const selection = { labelSelector: '!service.kubernetes.io/headless' };

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME];
  return name === undefined ? undefined : keyOf({ metadata: { ...metadata, name } });
}

export class ServiceView {
  /** Called when there are changed Services. */
  onChange: () => void = () => {};
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  #changed = new Set<string>();

  constructor(options: ServiceViewOptions) {
    this.#services = new Reflector({ ...options, type: slimServices, selection });
    const indexes = { [BY_SERVICE]: (slice: EndpointSlice) => [serviceOf(slice) ?? ''] };
    this.#slices = new Reflector({ ...options, type: slimEndpointSlices, selection, indexes });
    this.#services.subscribe(({ object }) => this.#note(keyOf(object)));
    this.#slices.subscribe((change) => {
      this.#note(serviceOf(change.object));
      if (change.type === 'changed') this.#note(serviceOf(change.before));
    });
  }

  #note(key: string | undefined): void {
    if (key === undefined) return;
    this.#changed.add(key);
    this.onChange();
  }

  /** Starts the watches. Resolves when both kinds were listed once. Rejects if the signal aborts first. */
  async start(signal: AbortSignal): Promise<void> {
    const ready = [this.#services.start().ready, this.#slices.start().ready];
    await abortable(Promise.all(ready), signal);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#services.stop(), this.#slices.stop()]);
  }

  /** Keys of all Services. */
  keys(): string[] {
    return [...this.#services.store.keys()];
  }

  /** Keys of the Services that have changed since the last call; gone ones too. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** By key: `namespace/name`. Undefined if it is gone. */
  service(key: string): Service | undefined {
    const at = key.indexOf('/');
    return this.#services.store.get(key.slice(at + 1), key.slice(0, at));
  }

  slices(key: string): EndpointSlice[] {
    return this.#slices.store.by(BY_SERVICE, key);
  }
}
