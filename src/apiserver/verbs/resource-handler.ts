// Dispatches requests on a resource path to their verbs. It answers the reading verbs itself.

import type { Authenticator, ServiceAccountTokens } from '../access/index.ts';
import { acceptedForm, sendJson } from '../http/index.ts';
import type { Objects } from '../objects/index.ts';
import { storageName } from '../resource.ts';
import { methodNotAllowed, noSuchPath } from '../status.ts';
import { tableOf } from '../table/index.ts';
import { bind } from './binding.ts';
import { isTrue, type ResourceCall, targetOf } from './call.ts';
import { deleteCollection, deleteOne } from './delete.ts';
import { evict } from './eviction.ts';
import { bytesFor, listBytes, listPage, scopeOf } from './read.ts';
import { review } from './review.ts';
import { serveScale } from './scale.ts';
import { requestToken } from './token.ts';
import { unserved } from './unserved.ts';
import type { Watches } from './watch.ts';
import { create, patch, replace } from './write.ts';

/** What the server needs to serve requests. */
export interface ResourceHandlerParts {
  readonly objects: Objects;
  readonly watches: Watches;
  readonly authenticator: Authenticator;
  readonly tokens: ServiceAccountTokens;
}

export class ResourceHandler {
  readonly #objects: Objects;
  readonly #watches: Watches;
  readonly #authenticator: Authenticator;
  readonly #tokens: ServiceAccountTokens;

  constructor({ objects, watches, authenticator, tokens }: ResourceHandlerParts) {
    this.#objects = objects;
    this.#watches = watches;
    this.#authenticator = authenticator;
    this.#tokens = tokens;
  }

  /** Serves one request; throws to refuse it. */
  async serve(call: ResourceCall): Promise<void> {
    const { path, request, resource } = call;
    if (resource.namespaced && path.name !== '' && path.namespace === '') throw noSuchPath();
    if (!resource.namespaced && path.namespace !== '') throw noSuchPath();
    if (resource.createOnly === true) return review(this.#authenticator, call);
    if (path.subresource !== '') return this.#subresource(call);
    const onObject = path.name !== '';
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return isWatch(call) ? this.#watch(call) : onObject ? this.#get(call) : this.#list(call);
      case 'POST':
        if (onObject) throw methodNotAllowed();
        return create(this.#objects, call);
      case 'PUT':
        if (!onObject) throw methodNotAllowed();
        return replace(this.#objects, call, '');
      case 'PATCH':
        if (!onObject) throw methodNotAllowed();
        return patch(this.#objects, call, '');
      case 'DELETE':
        return onObject ? deleteOne(this.#objects, call) : deleteCollection(this.#objects, call);
      default:
        throw methodNotAllowed();
    }
  }

  async #subresource(call: ResourceCall): Promise<void> {
    const { path, request, resource } = call;
    if (path.subresource === 'status' && resource.statusSubresource) {
      if (request.method === 'GET') return this.#get(call);
      if (request.method === 'PUT') return replace(this.#objects, call, 'status');
      if (request.method === 'PATCH') return patch(this.#objects, call, 'status');
      throw methodNotAllowed();
    }
    if (path.subresource === 'scale' && resource.scale !== undefined) return serveScale(this.#objects, call);
    if (path.subresource === 'binding' && storageName(resource) === 'pods.') return bind(this.#objects, call);
    if (path.subresource === 'finalize' && storageName(resource) === 'namespaces.')
      return replace(this.#objects, call, '');
    if (path.subresource === 'eviction' && storageName(resource) === 'pods.')
      return evict(this.#objects, call);
    if (path.subresource === 'token' && storageName(resource) === 'serviceaccounts.')
      return requestToken(this.#objects, this.#tokens, call);
    throw unserved(path);
  }

  async #get(call: ResourceCall): Promise<void> {
    const form = acceptedForm(call.request.headers.accept, call.query);
    const entry = this.#objects.get(targetOf(call));
    await this.#objects.context.store.durable();
    if (form.as === 'object') return sendJson(call.response, 200, bytesFor(call.resource, entry));
    const nowMs = this.#objects.context.clock.now();
    const metadata = { resourceVersion: String(entry.revision) };
    sendJson(
      call.response,
      200,
      tableOf(call.resource, [entry.object], metadata, { nowMs, include: form.include, withHeader: true }),
    );
  }

  async #list(call: ResourceCall): Promise<void> {
    const { resource, path, query, response } = call;
    const form = acceptedForm(call.request.headers.accept, query);
    const { store, clock } = this.#objects.context;
    const page = listPage(store, scopeOf(resource, path.namespace, '', query), query);
    await store.durable();
    if (form.as === 'object') return sendJson(response, 200, listBytes(resource, page));
    const objects = page.entries.map((entry) => entry.object);
    const options = { nowMs: clock.now(), include: form.include, withHeader: true };
    sendJson(response, 200, tableOf(resource, objects, page.metadata, options));
  }

  async #watch(call: ResourceCall): Promise<void> {
    const { resource, path, query, response } = call;
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    await this.#watches.serve(response, {
      scope: scopeOf(resource, path.namespace, path.name, query),
      form: acceptedForm(call.request.headers.accept, query),
      resourceVersion: query.get('resourceVersion') ?? '',
      bookmarks: isTrue(query.get('allowWatchBookmarks')),
      sendInitialEvents: isTrue(query.get('sendInitialEvents')),
      // Upstream's default is a random time between 30 and 60 minutes. So clients do not all reconnect at once.
      timeoutMs: seconds > 0 ? seconds * 1000 : (30 + 30 * Math.random()) * 60_000,
    });
  }
}

function isWatch(call: ResourceCall): boolean {
  return isTrue(call.query.get('watch'));
}
