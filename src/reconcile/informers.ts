// The state of the cluster as all controllers of a program share it: one reflector, and so one watch, for each kind.

import type { KubeObject, ResourceType } from '#api';
import { type Clock, isOrbError, type Logger } from '#base';
import { type KubeClient, type ObjectChange, Reflector, type ReflectorStatistics, type Store } from '#kube';

/** The kinds that a program follows, by the names that its controllers use. */
export type Kinds = Readonly<Record<string, ResourceType>>;

/** A name of one of the kinds. */
export type KindName<K extends Kinds> = keyof K & string;

/** The objects of a kind. */
export type ObjectOf<T extends ResourceType> = T extends ResourceType<infer O> ? O : never;

/** A store that controllers read. Objects in it must not be changed. */
export type ReadStore<T extends KubeObject> = Pick<Store<T>, 'get' | 'list' | 'by'>;

/** What the program knows of the cluster: a store for each kind. */
export type StateOf<K extends Kinds> = { readonly [N in keyof K]: ReadStore<ObjectOf<K[N]>> };

/** The index of every store: objects by the UID of their controller. */
export const BY_CONTROLLER = 'controller';

/** The index of every store: objects by their namespace. */
export const BY_NAMESPACE = 'namespace';

export const stateIndexes = {
  [BY_CONTROLLER]: ({ metadata }: KubeObject): string[] =>
    (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true).map(({ uid }) => uid),
  [BY_NAMESPACE]: ({ metadata }: KubeObject): string[] => [metadata.namespace ?? ''],
};

export interface InformersOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Figures of one kind, for metrics. */
export interface InformerStatistics extends ReflectorStatistics {
  /** Objects in the store. */
  readonly objects: number;
}

/** One kind with its reflector. */
interface Informer<K extends Kinds> {
  readonly kind: KindName<K>;
  readonly type: ResourceType;
  readonly reflector: Reflector<KubeObject>;
}

/** Follows all objects of the kinds. */
export class Informers<K extends Kinds> {
  readonly state: StateOf<K>;
  /** Resolves when every kind was listed once. Never rejects: the reflectors try until they are stopped. */
  readonly ready: Promise<void>;
  /** Resolves when every kind was listed once, or the server has said that it does not serve the kind. Never rejects. */
  readonly known: Promise<void>;
  readonly #informers: readonly Informer<K>[];

  constructor(options: InformersOptions, kinds: K) {
    const named = Object.entries(kinds) as [KindName<K>, ResourceType][];
    const knowing: Promise<void>[] = [];
    this.#informers = named.map(([kind, type]) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      knowing.push(promise);
      const onState = (error?: unknown) => {
        if (error === undefined || isOrbError(error, 'KUBE_NOT_FOUND')) resolve();
      };
      return { kind, type, reflector: new Reflector({ ...options, type, indexes: stateIndexes, onState }) };
    });
    const stores = this.#informers.map(({ kind, reflector }) => [kind, reflector.store]);
    this.state = Object.fromEntries(stores) as unknown as StateOf<K>;
    this.ready = Promise.all(this.#informers.map(({ reflector }) => reflector.ready)).then(() => {});
    this.known = Promise.all(knowing).then(() => {});
  }

  /** Starts to follow. Resolves when every kind was listed once. */
  start(): Promise<void> {
    for (const { reflector } of this.#informers) reflector.start();
    return this.ready;
  }

  /** Resolves when no handler will be called any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#informers.map(({ reflector }) => reflector.stop()));
  }

  /** Whether objects of the type are followed. */
  follows(type: ResourceType): boolean {
    return this.#informers.some((informer) => informer.type === type);
  }

  /**
   * Calls `handler` for every known object, as `added`, and then for every change. Returns a function that ends the
   * subscription.
   */
  subscribe(
    handler: (kind: KindName<K>, change: ObjectChange<KubeObject>, type: ResourceType) => void,
  ): () => void {
    const ends = this.#informers.map(({ kind, type, reflector }) =>
      reflector.subscribe((change) => handler(kind, change, type)),
    );
    return () => {
      for (const end of ends) end();
    };
  }

  /** The figures of each kind. */
  statistics(): ReadonlyMap<string, InformerStatistics> {
    return new Map(
      this.#informers.map(({ kind, reflector: { store, statistics } }) => [
        kind,
        { ...statistics, objects: store.size },
      ]),
    );
  }
}
