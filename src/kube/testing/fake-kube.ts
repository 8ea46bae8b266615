// An API server in memory, for tests. Versions, conflicts, status, finalizers and watches behave as on a real server.

import { apiVersionOf, type KubeObject, type ResourceType } from '#api';
import { type ErrorCode, OrbError } from '#base';
import type {
  AccountToken,
  CallOptions,
  KubeClient,
  ObjectList,
  ObjectRef,
  Selection,
  WatchEvent,
} from '../client.ts';
import { decodeListed, decodeObject } from '../decode.ts';
import { nameOf, refOf } from '../resource-path.ts';
import { keyOf } from '../store.ts';
import { selects } from './selection.ts';

/** One call, as {@link FakeKube.calls} remembers it. */
export interface FakeCall {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'updateStatus' | 'patch' | 'delete' | 'watch';
  readonly plural: string;
  readonly name: string;
}

interface Logged {
  readonly version: number;
  readonly plural: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/**
 * Not implemented: paging, JSON patches, admission, owner garbage collection, field ownership. `strategic` and `apply`
 * patches merge.
 */
export class FakeKube implements KubeClient {
  /** Every call so far, in order. */
  readonly calls: FakeCall[] = [];
  /** Runs before each call takes effect. A test can delay the call, let it fail, or change something first. */
  before: (call: FakeCall) => Promise<void> | void = () => {};
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  #log: Logged[] = [];
  #version = 100;
  #compacted = 0;
  #wake: (() => void)[] = [];
  /** Increases when {@link FakeKube.breakWatches} cuts the watches that exist. */
  #connection = 0;

  /** How many calls of `verb` to `plural` were made. */
  count(verb: FakeCall['verb'], plural: string): number {
    return this.calls.filter((call) => call.verb === verb && call.plural === plural).length;
  }

  /** Deletes the history of changes. Watches from an older version are answered with 410. */
  compact(): void {
    this.#compacted = this.#version;
    this.#log = [];
  }

  /** Cuts all watches, as a TCP reset does. */
  breakWatches(): void {
    this.#connection += 1;
    this.#awake();
  }

  /** The token `NAMESPACE/NAME@AUDIENCES#NODE`, which ends after an hour of the real clock. */
  async requestToken(
    { namespace, name }: ObjectRef,
    { audiences, boundObjectRef }: Parameters<KubeClient['requestToken']>[1],
  ): Promise<AccountToken> {
    const bound = boundObjectRef === undefined ? '' : `#${boundObjectRef.name}`;
    return { token: `${namespace}/${name}@${audiences.join()}${bound}`, expiresAtMs: Date.now() + 3_600_000 };
  }

  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T> {
    await this.#enter('get', type, ref.name, options);
    return decodeObject(type, structuredClone(this.#find(type, ref)));
  }

  async list<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection = {},
    options: CallOptions = {},
  ): Promise<ObjectList<T>> {
    await this.#enter('list', type, '', options);
    const objects = [...this.#kind(type).values()].filter((object) => selects(selection, object));
    return {
      items: objects.map((object) => decodeListed(type, structuredClone(object))),
      resourceVersion: String(this.#version),
    };
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const { generateName = '' } = object.metadata;
    const name = object.metadata.name ?? `${generateName}${this.#version}`;
    await this.#enter('create', type, name, options);
    const made = structuredClone(object);
    Object.assign(made, { apiVersion: apiVersionOf(type), kind: type.kind });
    made.metadata.name = name;
    made.metadata.uid = made.metadata.uid ?? `uid-${this.#version + 1}`;
    made.metadata.creationTimestamp ??= '2026-01-01T00:00:00Z';
    if (this.#kind(type).has(keyOf(made)))
      throw refused('KUBE_ALREADY_EXISTS', type, refOf(made), 'already exists');
    this.#store(type, 'ADDED', made);
    return decodeListed(type, structuredClone(made));
  }

  async update<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    await this.#enter('update', type, object.metadata.name ?? '', options);
    const before = this.#find(type, refOf(object));
    const after = structuredClone(object) as KubeObject & { status?: unknown };
    if (type.statusSubresource) after.status = (before as { status?: unknown }).status;
    return this.#replace(type, before, after, object.metadata.resourceVersion);
  }

  async updateStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    await this.#enter('updateStatus', type, object.metadata.name ?? '', options);
    const before = this.#find(type, refOf(object));
    const { status } = structuredClone(object) as { status?: unknown };
    return this.#replace(
      type,
      before,
      { ...structuredClone(before), status } as KubeObject,
      object.metadata.resourceVersion,
    );
  }

  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Parameters<KubeClient['patch']>[2],
    options: CallOptions = {},
  ): Promise<T> {
    await this.#enter('patch', type, ref.name, options);
    if (patch.type === 'apply' && !this.#kind(type).has(keyOf({ metadata: ref }))) {
      this.#store(type, 'ADDED', { ...(structuredClone(patch.body) as KubeObject) });
    }
    if (patch.type === 'json') throw refused('KUBE_INVALID', type, ref, 'the fake supports no JSON patches');
    const before = this.#find(type, ref);
    const { uid, resourceVersion } = (patch.body as Partial<KubeObject>).metadata ?? {};
    if (uid !== undefined && uid !== before.metadata.uid)
      throw refused('KUBE_CONFLICT', type, ref, 'has another UID');
    const after = merge(structuredClone(before), patch.body) as KubeObject;
    return this.#replace(type, before, after, resourceVersion);
  }

  async delete(
    type: ResourceType,
    ref: ObjectRef,
    preconditions: Parameters<KubeClient['delete']>[2] = {},
    options: CallOptions = {},
  ): Promise<void> {
    await this.#enter('delete', type, ref.name, options);
    const before = this.#find(type, ref);
    const { uid, resourceVersion } = preconditions;
    if (uid !== undefined && uid !== before.metadata.uid)
      throw refused('KUBE_CONFLICT', type, ref, 'has another UID');
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw refused('KUBE_CONFLICT', type, ref, 'has been modified');
    }
    const after = structuredClone(before);
    after.metadata.deletionTimestamp ??= '2026-01-01T00:00:00Z';
    const lives = (after.metadata.finalizers?.length ?? 0) > 0;
    this.#store(type, lives ? 'MODIFIED' : 'DELETED', after);
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection & { readonly resourceVersion: string },
    { signal }: CallOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    await this.#enter('watch', type, '', signal === undefined ? {} : { signal });
    const connection = this.#connection;
    let seen = Number(selection.resourceVersion);
    while (signal?.aborted !== true) {
      if (connection !== this.#connection)
        throw refused('KUBE_UNREACHABLE', type, { name: '' }, 'connection reset');
      if (seen < this.#compacted)
        throw refused('KUBE_EXPIRED', type, { name: '' }, 'too old resource version');
      const news = this.#log.filter((entry) => entry.version > seen);
      seen = this.#version;
      for (const { plural, type: event, object } of news) {
        if (plural !== type.plural || !selects(selection, object)) continue;
        yield { type: event, object: decodeListed(type, structuredClone(object)) };
      }
      if (seen === this.#version) await this.#sleep(signal);
    }
    throw signal.reason;
  }

  async #enter(
    verb: FakeCall['verb'],
    type: ResourceType,
    name: string,
    { signal }: CallOptions,
  ): Promise<void> {
    signal?.throwIfAborted();
    const call = { verb, plural: type.plural, name };
    this.calls.push(call);
    // An answer never comes in the same turn of the event loop as the request.
    await new Promise((resolve) => setImmediate(resolve));
    await this.before(call);
    signal?.throwIfAborted();
  }

  #kind(type: ResourceType): Map<string, KubeObject> {
    const kind = this.#objects.get(type.plural) ?? new Map<string, KubeObject>();
    this.#objects.set(type.plural, kind);
    return kind;
  }

  #find(type: ResourceType, ref: ObjectRef): KubeObject {
    const object = this.#kind(type).get(keyOf({ metadata: ref }));
    if (object === undefined) throw refused('KUBE_NOT_FOUND', type, ref, 'not found');
    return object;
  }

  #replace<T extends KubeObject>(
    type: ResourceType<T>,
    before: KubeObject,
    after: KubeObject,
    resourceVersion: string | undefined,
  ): T {
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw refused('KUBE_CONFLICT', type, refOf(before), 'the object has been modified');
    }
    const { uid, creationTimestamp, deletionTimestamp } = before.metadata;
    Object.assign(after.metadata, {
      uid,
      creationTimestamp,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    });
    const gone = deletionTimestamp !== undefined && (after.metadata.finalizers?.length ?? 0) === 0;
    this.#store(type, gone ? 'DELETED' : 'MODIFIED', after);
    return decodeListed(type, structuredClone(after));
  }

  #store(type: ResourceType, event: Logged['type'], object: KubeObject): void {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    if (event === 'DELETED') this.#kind(type).delete(keyOf(object));
    else this.#kind(type).set(keyOf(object), object);
    this.#log.push({
      version: this.#version,
      plural: type.plural,
      type: event,
      object: structuredClone(object),
    });
    this.#awake();
  }

  #sleep(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #awake(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return structuredClone(patch);
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else result[field] = merge(result[field], value);
  }
  return result;
}

function refused(code: ErrorCode, type: ResourceType, ref: ObjectRef, said: string): OrbError {
  return new OrbError(code, {
    message: `the API server refused ${nameOf(type, ref)}`,
    subject: nameOf(type, ref),
    said,
  });
}
