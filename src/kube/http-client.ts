// The Kubernetes API over HTTP: the KubeClient for kube-apiserver and for the embedded API server.

import {
  apiVersionOf,
  type KubeObject,
  type ResourceType,
  resources,
  tokenRequestSchema,
  unreadableNote,
} from '#api';
import { type Clock, isOrbError, type Logger, OrbError, systemClock } from '#base';
import { brokenOff } from '#http';
import type {
  AccountToken,
  CallOptions,
  KubeClient,
  ObjectList,
  ObjectRef,
  PatchType,
  Selection,
  WatchEvent,
} from './client.ts';
import type { KubeConfig } from './config.ts';
import { decodeListed, decodeObject } from './decode.ts';
import { linesOf } from './lines.ts';
import { collectionPath, nameOf, objectPath, refOf, selectionQuery } from './resource-path.ts';
import { type Exchange, Transport } from './transport.ts';
import { readWatchLine } from './watch-line.ts';

/** What the client needs besides its configuration. */
export interface ConnectOptions {
  readonly log: Logger;
  readonly clock?: Clock;
}

/** A client for the server of `config`. It sends nothing before the first call. */
export function connect(config: KubeConfig, options: ConnectOptions): KubeClient & { close(): void } {
  return new HttpKubeClient(new Transport(config, options.clock ?? systemClock), options.log);
}

const PAGE_SIZE = 500;
/** A watch ends by itself after a random time between these limits. This spreads watches over servers and time. */
const WATCH_MINIMUM_SECONDS = 300;
const WATCH_MAXIMUM_SECONDS = 600;
/** How much longer to wait for a server that did not end the watch in time. */
const WATCH_GRACE_MS = 15_000;

const patchContentType: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

class HttpKubeClient implements KubeClient {
  readonly #transport: Transport;
  readonly #log: Logger;

  constructor(transport: Transport, log: Logger) {
    this.#transport = transport;
    this.#log = log;
  }

  close(): void {
    this.#transport.close();
  }

  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#one(type, ref, { method: 'GET', path: objectPath(type, ref), verb: 'get' }, options);
  }

  async list<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection = {},
    options: CallOptions = {},
  ): Promise<ObjectList<T>> {
    try {
      return await this.#pages(type, selection, options);
    } catch (error) {
      // The snapshot behind `continue` may be compacted during paging (410). Then start again from the first page.
      if (!isOrbError(error, 'KUBE_EXPIRED')) throw error;
      return this.#pages(type, selection, options);
    }
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const path = collectionPath(type, object.metadata.namespace);
    return this.#one(
      type,
      refOf(object),
      { method: 'POST', path, verb: 'create', body: typed(type, object) },
      options,
    );
  }

  async update<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const path = objectPath(type, refOf(object));
    return this.#one(
      type,
      refOf(object),
      { method: 'PUT', path, verb: 'update', body: typed(type, object) },
      options,
    );
  }

  async updateStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const path = objectPath(type, refOf(object), 'status');
    const request = { method: 'PUT', path, verb: 'update the status of', body: typed(type, object) } as const;
    return this.#one(type, refOf(object), request, options);
  }

  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Parameters<KubeClient['patch']>[2],
    options: CallOptions = {},
  ): Promise<T> {
    const query = new URLSearchParams();
    if (patch.force === true) query.set('force', 'true');
    // Server-side apply requires a manager.
    if (patch.type === 'apply' || patch.fieldManager !== undefined) {
      query.set('fieldManager', patch.fieldManager ?? 'orbweaver');
    }
    const path = withQuery(objectPath(type, ref, patch.subresource), query);
    const contentType = patchContentType[patch.type];
    const subject = nameOf(type, ref);
    const request: Exchange = { method: 'PATCH', path, verb: 'patch', subject, signal: options.signal };
    // The condition of an object that cannot be read is a patch, too.
    return decodeListed(type, await this.#transport.call({ ...request, body: patch.body, contentType }));
  }

  async delete(
    type: ResourceType,
    ref: ObjectRef,
    preconditions: Parameters<KubeClient['delete']>[2] = {},
    options: CallOptions = {},
  ): Promise<void> {
    const { gracePeriodSeconds, ...must } = preconditions;
    await this.#transport.call({
      method: 'DELETE',
      path: objectPath(type, ref),
      verb: 'delete',
      subject: nameOf(type, ref),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
        ...(Object.keys(must).length > 0 && { preconditions: must }),
      },
      signal: options.signal,
    });
  }

  async requestToken(
    account: ObjectRef & { readonly namespace: string },
    spec: Parameters<KubeClient['requestToken']>[1],
    { signal }: CallOptions = {},
  ): Promise<AccountToken> {
    const subject = nameOf(resources.serviceAccounts, account);
    const answer = await this.#transport.call({
      method: 'POST',
      path: objectPath(resources.serviceAccounts, account, 'token'),
      verb: 'request a token of',
      subject,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec },
      signal,
    });
    const { token, expirationTimestamp } = tokenOf(answer, subject);
    return { token, expiresAtMs: Date.parse(expirationTimestamp) };
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection & { readonly resourceVersion: string },
    options: CallOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const seconds =
      WATCH_MINIMUM_SECONDS + Math.floor((WATCH_MAXIMUM_SECONDS - WATCH_MINIMUM_SECONDS) * Math.random());
    const query = selectionQuery(selection);
    query.set('watch', 'true');
    query.set('resourceVersion', selection.resourceVersion);
    query.set('allowWatchBookmarks', 'true');
    query.set('timeoutSeconds', String(seconds));
    const exchange: Exchange = {
      method: 'GET',
      path: withQuery(collectionPath(type, selection.namespace), query),
      verb: 'watch',
      subject: type.plural,
      signal: options.signal,
    };
    const { response, request } = await this.#transport.stream(exchange, seconds * 1000 + WATCH_GRACE_MS);
    try {
      response.setEncoding('utf8');
      for await (const line of linesOf(response as AsyncIterable<string>)) {
        const event = line === '' ? undefined : this.#event(type, line);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      throw brokenOff(error, request);
    } finally {
      response.destroy();
    }
  }

  /**
   * One line of a watch. Undefined for a state that does not match its schema; it is logged. A deletion counts whatever
   * the last state was.
   */
  #event<T extends KubeObject>(type: ResourceType<T>, line: string): WatchEvent<T> | undefined {
    const event = readWatchLine(type, line);
    if (event.type === 'BOOKMARK') return event;
    const decoded = this.#tolerant(type, event.object);
    if (decoded !== undefined) return { type: event.type, object: decoded };
    return event.type === 'DELETED' ? { type: 'DELETED', object: event.object as unknown as T } : undefined;
  }

  async #pages<T extends KubeObject>(
    type: ResourceType<T>,
    selection: Selection,
    { signal }: CallOptions,
  ): Promise<ObjectList<T>> {
    const items: T[] = [];
    const query = selectionQuery(selection);
    query.set('limit', String(PAGE_SIZE));
    for (;;) {
      const path = withQuery(collectionPath(type, selection.namespace), query);
      const request: Exchange = { method: 'GET', path, verb: 'list', subject: type.plural, signal };
      const page = readPage(await this.#transport.call(request), type.plural);
      for (const item of page.items) {
        const decoded = this.#tolerant(type, item);
        if (decoded !== undefined) items.push(decoded);
      }
      const { continue: next = '', resourceVersion } = page.metadata;
      if (next === '') return { items, resourceVersion };
      if (next === query.get('continue')) throw noList(type.plural, 'goes on with the same page for ever');
      query.set('continue', next);
    }
  }

  /** In lists and watches, an object that does not match its schema must not hide the others. */
  #tolerant<T extends KubeObject>(type: ResourceType<T>, object: unknown): T | undefined {
    try {
      const listed = decodeListed(type, object);
      const note = unreadableNote(listed);
      if (note !== undefined) this.#log.warn({ kind: type.kind, object: nameOf(type, refOf(listed)) }, note);
      return listed;
    } catch (error) {
      if (!isOrbError(error, 'KUBE_MALFORMED')) throw error;
      this.#log.warn({ object: error.subject, code: error.code }, `ignored: ${error.message}`);
      return undefined;
    }
  }

  async #one<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    request: Omit<Exchange, 'subject' | 'signal'>,
    { signal }: CallOptions,
  ): Promise<T> {
    return decodeObject(type, await this.#transport.call({ ...request, subject: nameOf(type, ref), signal }));
  }
}

interface ListPage {
  readonly items: readonly unknown[];
  readonly metadata: { readonly continue?: string; readonly resourceVersion: string };
}

/** An answer that is no list must not be taken for an empty one: everything would seem to be deleted. */
function readPage(answer: unknown, plural: string): ListPage {
  const { items, metadata } = (answer ?? {}) as Partial<ListPage>;
  const { resourceVersion } = metadata ?? {};
  if (
    typeof resourceVersion === 'string' &&
    resourceVersion !== '' &&
    (items == null || Array.isArray(items))
  )
    return { items: items ?? [], metadata: { ...metadata, resourceVersion } };
  throw noList(plural, 'is no list with a resourceVersion');
}

function noList(plural: string, why: string): OrbError {
  const message = `the API server's answer to list ${plural} ${why}`;
  return new OrbError('KUBE_MALFORMED', { message, subject: plural });
}

function tokenOf(answer: unknown, subject: string): { token: string; expirationTimestamp: string } {
  const parsed = tokenRequestSchema.safeParse(answer);
  if (parsed.success) return parsed.data.status;
  throw new OrbError('KUBE_MALFORMED', { message: `${subject}: the server's answer has no token`, subject });
}

/** Every object in a request names its apiVersion and kind. */
function typed<T extends KubeObject>(type: ResourceType<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query}`;
}
