// Admission by webhooks. Before a write is stored, the server calls every webhook that asks for it.

import { randomUUID } from 'node:crypto';
import { errorText, type Logger } from '#base';
import { userInfo } from '../access/index.ts';
import {
  type ApiObject,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  textsAt,
} from '../json.ts';
import { jsonPatch } from '../patch/index.ts';
import type { Admission, AdmissionRequest } from '../ports.ts';
import type { Registry } from '../registry.ts';
import { StatusError } from '../status.ts';
import type { Store } from '../store/index.ts';
import { callWebhook } from './call.ts';
import { conditionsHold } from './condition.ts';
import { destinationOf } from './destination.ts';
import { versionFor } from './match.ts';
import { type Webhook, webhooksOf } from './webhook.ts';

const GROUP = 'admissionregistration.k8s.io';

export interface WebhookAdmissionParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly logger: Logger;
  /** The server's own admission. It changes objects before the webhooks do, and checks them after the webhooks. */
  readonly own: Admission;
}

export class WebhookAdmission implements Admission {
  readonly #parts: WebhookAdmissionParts;

  constructor(parts: WebhookAdmissionParts) {
    this.#parts = parts;
  }

  /** Calls one webhook after the other. Each one sees the changes of those before it. */
  async mutate(request: AdmissionRequest): Promise<ApiObject> {
    const { own } = this.#parts;
    let object = own.mutate === undefined ? request.object : await own.mutate(request);
    for (const webhook of this.#webhooks('mutatingwebhookconfigurations', request)) {
      const now = { ...request, object };
      const version = this.#versionFor(webhook, now);
      if (version === undefined || !this.#isWanted(webhook, now)) continue;
      const response = await this.#ask(webhook, now, version);
      object = response === undefined ? object : patched(webhook, object, version, response);
    }
    return object;
  }

  /**
   * Calls all webhooks at once, because none of them changes the object.
   * The answer is the first refusal in the order of the webhooks.
   */
  async validate(request: AdmissionRequest): Promise<void> {
    const asked = this.#webhooks('validatingwebhookconfigurations', request).flatMap((webhook) => {
      const version = this.#versionFor(webhook, request);
      return version !== undefined && this.#isWanted(webhook, request)
        ? [this.#ask(webhook, request, version)]
        : [];
    });
    const refusal = (await Promise.allSettled(asked)).find(({ status }) => status === 'rejected');
    if (refusal?.status === 'rejected') throw refusal.reason;
    // This check is the last one, so that nothing can change between the check and the write.
    await this.#parts.own.validate?.(request);
  }

  /** Webhooks are not asked about webhook configurations. Otherwise nobody could remove a broken one. */
  #webhooks(plural: string, request: AdmissionRequest): Webhook[] {
    if (request.group === GROUP) return [];
    return webhooksOf(this.#parts.store.list(`${plural}.${GROUP}`));
  }

  #versionFor(webhook: Webhook, request: AdmissionRequest): string | undefined {
    const { registry, store } = this.#parts;
    const served = registry.all().filter((it) => it.group === request.group && it.plural === request.plural);
    const home = store.get({ resource: 'namespaces.', namespace: '', name: request.namespace })?.object;
    return versionFor(
      webhook,
      request,
      served.map(({ version }) => version),
      home,
    );
  }

  /** Whether its matchConditions hold. One that cannot be evaluated counts like a call that fails. */
  #isWanted({ name, matchConditions, ignoresFailure }: Webhook, request: AdmissionRequest): boolean {
    try {
      return conditionsHold(matchConditions, request);
    } catch (error) {
      if (ignoresFailure) return false;
      const message = `matchConditions of webhook "${name}" failed: ${errorText(error)}`;
      throw new StatusError(403, 'Forbidden', message);
    }
  }

  /**
   * The response of a webhook that allows the write.
   * Undefined when the call failed and the failurePolicy is Ignore.
   */
  async #ask(webhook: Webhook, request: AdmissionRequest, version: string): Promise<JsonObject | undefined> {
    const { store, logger } = this.#parts;
    let response: JsonObject;
    try {
      const bundle = stringAt(webhook.clientConfig, 'caBundle');
      response = await callWebhook(
        {
          destination: destinationOf(store, webhook.clientConfig),
          authority:
            bundle === undefined || bundle === '' ? undefined : Buffer.from(bundle, 'base64').toString(),
          timeoutSeconds: webhook.timeoutSeconds,
        },
        reviewRequest(request, version),
      );
    } catch (error) {
      const message = `failed calling webhook "${webhook.name}": ${errorText(error)}`;
      if (!webhook.ignoresFailure)
        throw new StatusError(500, 'InternalError', `Internal error occurred: ${message}`);
      logger.warn({ webhook: webhook.name }, message);
      return undefined;
    }
    for (const text of textsAt(response, 'warnings')) request.warnings.push(text);
    if (response.allowed !== true) throw denial(webhook, response);
    return response;
  }
}

/** The request to a webhook (admission.k8s.io/v1 AdmissionRequest). */
function reviewRequest(request: AdmissionRequest, version: string): JsonObject {
  const { group: itsGroup, kind, plural, subresource, name, namespace, operation, user, dryRun } = request;
  const inVersion = (object: ApiObject | undefined): Json =>
    object === undefined ? null : withVersion(object, version);
  const isDeletion = operation === 'DELETE';
  const optionsKind = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' }[
    operation
  ];
  return {
    uid: randomUUID(),
    kind: { group: itsGroup, version, kind },
    resource: { group: itsGroup, version, resource: plural },
    ...(subresource !== '' && { subResource: subresource, requestSubResource: subresource }),
    requestKind: { group: itsGroup, version: request.version, kind },
    requestResource: { group: itsGroup, version: request.version, resource: plural },
    name,
    ...(namespace !== '' && { namespace }),
    operation,
    userInfo: userInfo(user),
    object: isDeletion ? null : inVersion(request.object),
    oldObject: inVersion(request.oldObject),
    dryRun,
    options: { kind: optionsKind, apiVersion: 'meta.k8s.io/v1', ...(dryRun && { dryRun: ['All'] }) },
  };
}

/** Here the versions of a kind differ only in their name, because no served definition has a conversion. */
function withVersion(object: ApiObject, version: string): ApiObject {
  const prefix = object.apiVersion.includes('/') ? `${object.apiVersion.split('/')[0]}/` : '';
  return { ...object, apiVersion: `${prefix}${version}` };
}

/** Metadata fields that a webhook must not change. */
const kept = [
  ...['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'managedFields'],
  ...['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'],
];

/** The object with the webhook's patch. */
function patched(webhook: Webhook, object: ApiObject, version: string, response: JsonObject): ApiObject {
  const { patch = null, patchType = null } = response;
  if (patch === null || patch === '') return object;
  const broken = (why: string) =>
    new StatusError(
      500,
      'InternalError',
      `Internal error occurred: webhook "${webhook.name}" sent an invalid patch: ${why}`,
    );
  if (patchType !== 'JSONPatch') throw broken(`patchType ${JSON.stringify(patchType)} is not JSONPatch`);
  if (typeof patch !== 'string') throw broken('it is not base64');
  const asked = withVersion(object, version);
  let next: Json;
  try {
    const operations = JSON.parse(Buffer.from(patch, 'base64').toString()) as Json;
    next = jsonPatch(asked, operations);
  } catch (error) {
    throw broken(errorText(error));
  }
  if (!isObject(next) || !isObject(next.metadata)) throw broken('its result is not an object');
  if (next.apiVersion !== asked.apiVersion || next.kind !== asked.kind)
    throw broken('it changes apiVersion or kind');
  const metadata: ApiObject['metadata'] = { ...next.metadata, name: object.metadata.name };
  for (const field of kept) {
    const value = object.metadata[field];
    if (value === undefined) delete metadata[field];
    else metadata[field] = value;
  }
  return { ...next, apiVersion: object.apiVersion, kind: object.kind, metadata };
}

/** The refusal, in the words of kube-apiserver (webhook/errors ToStatusErr). */
function denial(webhook: Webhook, response: JsonObject): StatusError {
  const status = objectAt(response, 'status');
  const said = numberAt(status, 'code') ?? 0;
  // Other codes cannot mean a refusal, and HTTP cannot send some of them.
  const code = Number.isInteger(said) && said >= 400 && said <= 599 ? said : 400;
  const why = stringAt(status, 'message') || stringAt(status, 'reason');
  const denied = `admission webhook "${webhook.name}" denied the request`;
  const message = why ? `${denied}: ${why}` : `${denied} without explanation`;
  const causes = listAt(status, 'details', 'causes');
  return new StatusError(
    code,
    stringAt(status, 'reason') ?? '',
    message,
    causes.length === 0 ? undefined : { causes },
  );
}
