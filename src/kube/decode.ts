// Checks what the API sent once, at the boundary. After that, its type can be trusted.

import { z } from 'zod';
import {
  apiVersionOf,
  conditionsField,
  type KubeObject,
  markUnreadable,
  type ResourceType,
  resources,
} from '#api';
import { isOrbError, OrbError } from '#base';
import { nameOf, refOf } from './resource-path.ts';

/** The object with its schema's type, without managedFields. They are half of a typical pod, and we do not use them. */
export function decodeObject<T extends KubeObject>(type: ResourceType<T>, object: unknown): T {
  dropManagedFields(object);
  const parsed = type.schema.safeParse(object);
  if (!parsed.success) {
    const subject = subjectOf(type, object);
    const message = `${subject} does not fit the schema of ${type.kind}: ${z.prettifyError(parsed.error)}`;
    throw new OrbError('KUBE_MALFORMED', { message, subject });
  }
  // Items of a list have neither field (API conventions, "Lists and simple kinds").
  parsed.data.apiVersion ??= apiVersionOf(type);
  parsed.data.kind ??= type.kind;
  return parsed.data;
}

/**
 * An object of a list or a watch, where one that does not fit must not hide the others. One of our kinds comes without spec and
 * status, but with its conditions: see `unreadableNote`. Then programs neither keep its old state nor miss its deletion.
 * @throws OrbError KUBE_MALFORMED for an object of another kind, and for one without readable metadata
 */
export function decodeListed<T extends KubeObject>(type: ResourceType<T>, object: unknown): T {
  try {
    return decodeObject(type, object);
  } catch (error) {
    if (!isOrbError(error, 'KUBE_MALFORMED') || type.group !== resources.spiderIPPools.group) throw error;
    const { metadata, status } = (object ?? {}) as { metadata?: unknown; status?: { conditions?: unknown } };
    const rest = decodeObject(type, { metadata });
    const conditions = conditionsField.safeParse(status?.conditions).data;
    const told = type.statusSubresource && conditions !== undefined && { status: { conditions } };
    return markUnreadable(Object.assign(rest, told), error.message);
  }
}

function dropManagedFields(object: unknown): void {
  const metadata = (object as { metadata?: { managedFields?: unknown } } | null)?.metadata;
  if (metadata !== undefined) delete metadata.managedFields;
}

function subjectOf(type: ResourceType, object: unknown): string {
  const metadata = (object as Partial<KubeObject> | null)?.metadata;
  return metadata === undefined ? type.kind : nameOf(type, refOf({ metadata }));
}
