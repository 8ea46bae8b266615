// Checks what the API sent once, at the boundary. After that, its type can be trusted.

import { z } from 'zod';
import { apiVersionOf, type KubeObject, type ResourceType } from '#api';
import { OrbError } from '#base';
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

function dropManagedFields(object: unknown): void {
  const metadata = (object as { metadata?: { managedFields?: unknown } } | null)?.metadata;
  if (metadata !== undefined) delete metadata.managedFields;
}

function subjectOf(type: ResourceType, object: unknown): string {
  const metadata = (object as Partial<KubeObject> | null)?.metadata;
  return metadata === undefined ? type.kind : nameOf(type, refOf({ metadata }));
}
