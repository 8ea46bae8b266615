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

/** The watches of one agent. They run while anybody looks. */
export class ServiceWatch {
  readonly #options: ServiceViewOptions;
  readonly #views = new Set<ServiceView>();
  #watched: Watched | undefined;

  constructor(options: ServiceViewOptions) {
    this.#options = options;
  }

  /** Starts the watches, if they do not run. */
  join(view: ServiceView): Watched {
    this.#views.add(view);
    this.#watched ??= this.#start();
    return this.#watched;
  }

  /** Stops the watches, if nobody else looks. */
  async leave(view: ServiceView): Promise<void> {
    this.#views.delete(view);
    if (this.#views.size > 0) return;
    const watched = this.#watched;
    this.#watched = undefined;
    await Promise.all([watched?.services.stop(), watched?.slices.stop()]);
  }

  #start(): Watched {
    const services = new Reflector({ ...this.#options, type: slimServices, selection });
    const indexes = { [BY_SERVICE]: (slice: EndpointSlice) => [serviceOf(slice) ?? ''] };
    const slices = new Reflector({ ...this.#options, type: slimEndpointSlices, selection, indexes });
    services.subscribe(({ object }) => this.#note(keyOf(object)));
    slices.subscribe((change) => {
      this.#note(serviceOf(change.object));
      if (change.type === 'changed') this.#note(serviceOf(change.before));
    });
    const ready = Promise.all([services.start().ready, slices.start().ready]);
    ready.catch(() => {}); // whoever waits hears of it
    return { services, slices, ready };
  }

  #note(key: string | undefined): void {
    if (key !== undefined) for (const view of this.#views) view.note(key);
  }
}

interface Watched {
  readonly services: Reflector<Service>;
  readonly slices: Reflector<EndpointSlice>;
  /** Resolves when both kinds were listed once. */
  readonly ready: Promise<unknown>;
}

/** What one reader of the watches sees, and what of it is new to him. */
export class ServiceView {
  /** Called when there are changed Services. */
  onChange: () => void = () => {};
  readonly #watch: ServiceWatch;
  #watched: Watched | undefined;
  #changed = new Set<string>();

  constructor(watch: ServiceWatch) {
    this.#watch = watch;
  }

  /** Tells of a changed Service. */
  note(key: string): void {
    this.#changed.add(key);
    this.onChange();
  }

  /** Resolves when both kinds were listed once. Rejects if the signal aborts first. */
  async start(signal: AbortSignal): Promise<void> {
    this.#watched = this.#watch.join(this);
    await abortable(this.#watched.ready, signal);
  }

  async stop(): Promise<void> {
    await this.#watch.leave(this);
    this.#watched = undefined;
  }

  /** Keys of all Services. */
  keys(): string[] {
    return [...(this.#watched?.services.store.keys() ?? [])];
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
    return this.#watched?.services.store.get(key.slice(at + 1), key.slice(0, at));
  }

  slices(key: string): EndpointSlice[] {
    return this.#watched?.slices.store.by(BY_SERVICE, key) ?? [];
  }
}
