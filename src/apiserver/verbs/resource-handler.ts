// Requests on a resource path, dispatched to the verbs.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptedForm, managerOf, sendJson } from '../http/answer.ts';
import { mediaType, parseBody, readBody } from '../http/body.ts';
import type { ResourcePath } from '../http/request.ts';
import { type ApiObject, isObject, type Json, type JsonObject, stringAt } from '../json.ts';
import { asObject } from '../objects/checks.ts';
import { deleteObject, readDeleteOptions } from '../objects/deletion.ts';
import type { Objects } from '../objects/objects.ts';
import type { WriteOptions } from '../objects/ports.ts';
import type { Subresource, Target } from '../objects/target.ts';
import type { Resource } from '../resource.ts';
import { storageName } from '../resource.ts';
import { badRequest, conflict, methodNotAllowed, noSuchPath } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import { tableOf } from '../table/table.ts';
import { applyPatch, patcher } from './patch.ts';
import { bytesFor, inScope, listBytes, listPage, scopeOf } from './read.ts';
import { scaleOf, withScale } from './scale.ts';
import type { Watches } from './watch.ts';

/** One request on a resource. */
export interface ResourceCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly resource: Resource;
}

export class ResourceHandler {
  readonly #objects: Objects;
  readonly #watches: Watches;

  constructor(objects: Objects, watches: Watches) {
    this.#objects = objects;
    this.#watches = watches;
  }

  /** Serves one request; a refusal is thrown. */
  async serve(call: ResourceCall): Promise<void> {
    const { path, request, resource } = call;
    if (resource.namespaced && path.name !== '' && path.namespace === '') throw noSuchPath();
    if (!resource.namespaced && path.namespace !== '') throw noSuchPath();
    if (path.subresource !== '') return this.#subresource(call);
    const onObject = path.name !== '';
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return isWatch(call) ? this.#watch(call) : onObject ? this.#get(call) : this.#list(call);
      case 'POST':
        if (onObject) throw methodNotAllowed();
        return this.#create(call);
      case 'PUT':
        if (!onObject) throw methodNotAllowed();
        return this.#replace(call, '');
      case 'PATCH':
        if (!onObject) throw methodNotAllowed();
        return this.#patch(call, '');
      case 'DELETE':
        return onObject ? this.#delete(call) : this.#deleteCollection(call);
      default:
        throw methodNotAllowed();
    }
  }

  async #subresource(call: ResourceCall): Promise<void> {
    const { path, request, resource } = call;
    if (path.subresource === 'status' && resource.statusSubresource) {
      if (request.method === 'GET') return this.#get(call);
      if (request.method === 'PUT') return this.#replace(call, 'status');
      if (request.method === 'PATCH') return this.#patch(call, 'status');
      throw methodNotAllowed();
    }
    if (path.subresource === 'scale' && resource.scale !== undefined) return this.#scale(call);
    if (path.subresource === 'binding' && storageName(resource) === 'pods.') return this.#bind(call);
    if (path.subresource === 'finalize' && storageName(resource) === 'namespaces.')
      return this.#replace(call, '');
    throw noSuchPath();
  }

  async #get(call: ResourceCall): Promise<void> {
    const form = acceptedForm(call.request.headers.accept, call.query);
    const entry = this.#objects.get(target(call));
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
      // Upstream's default is a random time between 30 and 60 minutes, so that clients do not all come back at once.
      timeoutMs: seconds > 0 ? seconds * 1000 : (30 + 30 * Math.random()) * 60_000,
    });
  }

  async #create(call: ResourceCall): Promise<void> {
    const options = writeOptions(call);
    const { namespace } = call.path;
    const object = asObject(call.resource, await bodyOf(call));
    const given = object.metadata.namespace;
    if (call.resource.namespaced && namespace === '')
      throw badRequest('an empty namespace may not be set during creation');
    if (given !== undefined && given !== '' && given !== namespace && call.resource.namespaced) {
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request`,
      );
    }
    const entry = await this.#objects.create(call.resource, namespace, object, options);
    await this.#answer(call, 201, entry, options);
  }

  async #replace(call: ResourceCall, subresource: Subresource): Promise<void> {
    const options = writeOptions(call);
    const text = await readBody(call.request);
    const type = mediaType(call.request);
    const change = () => asObject(call.resource, parseBody(text, type));
    const entry = await this.#objects.update(target(call), subresource, change, options);
    await this.#answer(call, 200, entry, options);
  }

  async #patch(call: ResourceCall, subresource: Subresource): Promise<void> {
    const options = writeOptions(call);
    const type = mediaType(call.request);
    const text = await readBody(call.request);
    if (type === applyPatch) return this.#apply(call, subresource, parseBody(text, type), options);
    const change = patcher(call.resource, type, parseBody(text, type));
    const entry = await this.#objects.update(target(call), subresource, change, options);
    await this.#answer(call, 200, entry, options);
  }

  async #apply(
    call: ResourceCall,
    subresource: Subresource,
    body: Json,
    options: WriteOptions,
  ): Promise<void> {
    const manager = call.query.get('fieldManager');
    if (!manager)
      throw badRequest(
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    if (
      isObject(body) &&
      (stringAt(body, 'apiVersion') === undefined || stringAt(body, 'kind') === undefined)
    ) {
      throw badRequest('apiVersion and kind must be set in an apply patch');
    }
    const applied = asObject(call.resource, body);
    if (applied.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    applied.metadata.name ??= call.path.name;
    if (applied.metadata.name !== call.path.name)
      throw badRequest(
        `the name of the object (${applied.metadata.name}) does not match the name on the URL (${call.path.name})`,
      );
    if (call.resource.namespaced) applied.metadata.namespace ??= call.path.namespace;
    const force = isTrue(call.query.get('force'));
    const { entry, created } = await this.#objects.apply(target(call), subresource, applied, {
      ...options,
      force,
    });
    await this.#answer(call, created ? 201 : 200, entry, options);
  }

  async #scale(call: ResourceCall): Promise<void> {
    const { scale } = call.resource;
    if (scale === undefined) throw noSuchPath();
    const options = writeOptions(call);
    let entry = this.#objects.get(target(call));
    if (call.request.method === 'PUT' || call.request.method === 'PATCH') {
      const body = await bodyOf(call);
      const type = mediaType(call.request);
      const change = (current: ApiObject) => {
        const now = scaleOf(call.resource, scale, current) as ApiObject;
        const wanted =
          call.request.method === 'PUT'
            ? body
            : patcher({ ...call.resource, custom: true }, scaleType(type), body)(now);
        return withScale(scale, current, wanted);
      };
      entry = await this.#objects.update(target(call), '', change, options);
    } else if (call.request.method !== 'GET') throw methodNotAllowed();
    await this.#objects.context.store.durable();
    sendJson(call.response, 200, scaleOf(call.resource, scale, entry.object));
  }

  /** A scheduler's decision (core/v1 Binding). */
  async #bind(call: ResourceCall): Promise<void> {
    if (call.request.method !== 'POST') throw methodNotAllowed();
    const body = await bodyOf(call);
    const node = stringAt(body, 'target', 'name');
    if (!node) throw badRequest('target.name: Required value');
    const change = (pod: ApiObject): ApiObject => {
      const assigned = stringAt(pod, 'spec', 'nodeName');
      if (assigned)
        throw conflict(
          call.resource,
          call.path.name,
          `pod ${call.path.name} is already assigned to node "${assigned}"`,
        );
      return {
        ...pod,
        metadata: { ...pod.metadata },
        spec: { ...(pod.spec as JsonObject), nodeName: node },
      };
    };
    await this.#objects.update(target(call), '', change, writeOptions(call));
    await this.#objects.context.store.durable();
    sendJson(call.response, 201, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      code: 201,
    });
  }

  async #delete(call: ResourceCall): Promise<void> {
    const options = readDeleteOptions(objectBody(await bodyOf(call)), call.query);
    const { entry, gone } = await deleteObject(this.#objects, target(call), options);
    await this.#objects.context.store.durable();
    if (!gone || storageName(call.resource) === 'pods.')
      return sendJson(call.response, 200, bytesFor(call.resource, entry));
    const { group, plural } = call.resource;
    const about: JsonObject = { name: call.path.name, kind: plural, uid: entry.object.metadata.uid ?? '' };
    if (group !== '') about.group = group;
    sendJson(call.response, 200, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: about,
    });
  }

  async #deleteCollection(call: ResourceCall): Promise<void> {
    const { resource, path, query } = call;
    const options = readDeleteOptions(objectBody(await bodyOf(call)), query);
    const { store } = this.#objects.context;
    const scope = scopeOf(resource, path.namespace, '', query);
    const entries = store.list(storageName(resource)).filter((entry) => inScope(scope, entry));
    for (const { key } of entries) {
      if (store.get(key) === undefined) continue;
      await deleteObject(this.#objects, { resource, namespace: key.namespace, name: key.name }, options);
    }
    await store.durable();
    sendJson(
      call.response,
      200,
      listBytes(resource, { entries, metadata: { resourceVersion: String(store.revision) } }),
    );
  }

  async #answer(call: ResourceCall, code: number, entry: Entry, options: WriteOptions): Promise<void> {
    const form = acceptedForm(call.request.headers.accept, call.query);
    const { store, clock } = this.#objects.context;
    if (!options.dryRun) await store.durable();
    if (form.as === 'object')
      return sendJson(call.response, code, bytesFor(call.resource, entry), options.warnings);
    const table = { nowMs: clock.now(), include: form.include, withHeader: true };
    const metadata = { resourceVersion: String(entry.revision) };
    sendJson(call.response, code, tableOf(call.resource, [entry.object], metadata, table), options.warnings);
  }
}

function target(call: ResourceCall): Target {
  return { resource: call.resource, namespace: call.path.namespace, name: call.path.name };
}

async function bodyOf(call: ResourceCall): Promise<Json> {
  const text = await readBody(call.request);
  return text === '' ? {} : parseBody(text, mediaType(call.request));
}

function objectBody(body: Json): JsonObject {
  if (!isObject(body)) throw badRequest('the body of the request must be an object');
  return body;
}

function writeOptions(call: ResourceCall): WriteOptions {
  const { query } = call;
  const validation = query.get('fieldValidation') ?? 'Warn';
  if (validation !== 'Strict' && validation !== 'Warn' && validation !== 'Ignore' && validation !== '') {
    throw badRequest(
      `fieldValidation: Unsupported value: "${validation}": supported values: "", "Ignore", "Strict", "Warn"`,
    );
  }
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All'))
    throw badRequest('dryRun: Unsupported value: supported values: "All"');
  return {
    manager: managerOf(call.request, query),
    dryRun: dryRun.length > 0,
    fieldValidation: validation === '' ? 'Warn' : validation,
    warnings: [],
  };
}

/** Scale has no lists: a strategic merge of it is a merge. */
function scaleType(type: string): string {
  return type === 'application/strategic-merge-patch+json' ? 'application/merge-patch+json' : type;
}

function isWatch(call: ResourceCall): boolean {
  return isTrue(call.query.get('watch'));
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}
