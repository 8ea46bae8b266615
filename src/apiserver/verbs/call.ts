// One request on a resource, and what all verbs share: target, options, body, answer.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { User } from '../access/index.ts';
import {
  acceptedForm,
  managerOf,
  mediaType,
  parseBody,
  type ResourcePath,
  readBody,
  sendJson,
} from '../http/index.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Objects, Target } from '../objects/index.ts';
import type { WriteOptions } from '../ports.ts';
import { PROTOBUF_TYPE, type ProtobufDecoder } from '../protobuf/index.ts';
import type { Resource } from '../resource.ts';
import { badRequest } from '../status.ts';
import type { Entry } from '../store/index.ts';
import { tableOf } from '../table/index.ts';
import { bytesFor } from './read.ts';

/** One request on a resource. */
export interface ResourceCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly resource: Resource;
  readonly protobuf: ProtobufDecoder;
  readonly user: User;
}

export function targetOf(call: ResourceCall): Target {
  return { resource: call.resource, namespace: call.path.namespace, name: call.path.name };
}

/** The body of a request, {} when it is empty. `warnings` gets a text for each part that is not read. */
export async function bodyOf(call: ResourceCall, warnings: string[] = []): Promise<Json> {
  const body = await readBody(call.request);
  const type = mediaType(call.request);
  if (body.length === 0) return {};
  return type === PROTOBUF_TYPE ? call.protobuf.decode(body, warnings) : parseBody(body, type);
}

export function objectBody(body: Json): JsonObject {
  if (!isObject(body)) throw badRequest('the body of the request must be an object');
  return body;
}

/** The options of a write, from its query. */
export function writeOptions(call: ResourceCall): WriteOptions {
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
    user: call.user,
    dryRun: dryRun.length > 0,
    fieldValidation: validation === '' ? 'Warn' : validation,
    warnings: [],
  };
}

/** Whether a query parameter is set, by upstream's rule (Convert_Slice_string_To_bool). The Python client sends `True`. */
export function isTrue(text: string | null): boolean {
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

/** Answers a write with the new version, after that version is on disk. */
export async function sendEntry(
  objects: Objects,
  call: ResourceCall,
  code: number,
  entry: Entry,
  options: WriteOptions,
): Promise<void> {
  const form = acceptedForm(call.request.headers.accept, call.query);
  const { store, clock } = objects.context;
  if (!options.dryRun) await store.durable();
  if (form.as === 'object')
    return sendJson(call.response, code, bytesFor(call.resource, entry), options.warnings);
  const table = { nowMs: clock.now(), include: form.include, withHeader: true };
  const metadata = { resourceVersion: String(entry.revision) };
  sendJson(call.response, code, tableOf(call.resource, [entry.object], metadata, table), options.warnings);
}
