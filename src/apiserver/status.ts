// Refusals of the API: the answer to every failed request is a Status (Kubernetes API conventions, "Response Status Kind").

import type { Json, JsonObject } from './json.ts';

/** One wrong field of an object (details.causes[]). */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** The object of the Status (details). */
export interface StatusSubject {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

/** A refusal with an HTTP code and a machine-readable reason. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The Status object of the answer. */
  toObject(): JsonObject {
    const status: JsonObject = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
    };
    if (this.details !== undefined) status.details = this.details;
    status.code = this.code;
    return status;
  }
}

/** `pods "a"` or `deployments.apps "a"`: how the API names an object in messages. */
function named(plural: string, group: string, name: string): string {
  return `${group === '' ? plural : `${plural}.${group}`} "${name}"`;
}

interface Named {
  readonly group: string;
  readonly plural: string;
}

function details(type: Named, name: string, causes: readonly StatusCause[] = []): JsonObject {
  const found: JsonObject = { name, kind: type.plural };
  if (type.group !== '') found.group = type.group;
  if (causes.length > 0) found.causes = causes.map((cause): Json => ({ ...cause }));
  return found;
}

export function notFound(type: Named, name: string): StatusError {
  return new StatusError(
    404,
    'NotFound',
    `${named(type.plural, type.group, name)} not found`,
    details(type, name),
  );
}

/** The path does not exist. For kubectl, this means that the server does not know the type. */
export function noSuchPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(type: Named, name: string): StatusError {
  const message = `${named(type.plural, type.group, name)} already exists`;
  return new StatusError(409, 'AlreadyExists', message, details(type, name));
}

export function conflict(type: Named, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${named(type.plural, type.group, name)}: ${why}`;
  return new StatusError(409, 'Conflict', message, details(type, name));
}

/** The 409 for an old resourceVersion, with the words that clients expect. */
export function modified(type: Named, name: string): StatusError {
  return conflict(
    type,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export function forbidden(type: Named, name: string, why: string): StatusError {
  const message = `${named(type.plural, type.group, name)} is forbidden: ${why}`;
  return new StatusError(403, 'Forbidden', message, details(type, name));
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function unsupportedMediaType(message: string): StatusError {
  return new StatusError(415, 'UnsupportedMediaType', message);
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );
}

/** The 422 for an object with wrong fields; `causes` name each field. */
export function invalid(subject: StatusSubject, causes: readonly StatusCause[]): StatusError {
  const name = subject.name ?? '';
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
  const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const about = details({ group: subject.group, plural: subject.kind }, name, causes);
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${all}`, about);
}
