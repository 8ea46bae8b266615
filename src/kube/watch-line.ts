// One line of a watch: what it says, before its object is decoded.

import type { ResourceType } from '#api';
import { OrbError } from '#base';
import { refusal, type Status } from './refusal.ts';

/** The fields that name an object and its state. */
export interface Identity {
  readonly name: string;
  readonly resourceVersion: string;
}

export type WatchLine =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: { readonly metadata: Identity } }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * Reads the line. Throws the refusal of an ERROR event. Throws KUBE_MALFORMED if the line does not say which object has
 * changed and to which version, because it may hide a change.
 */
export function readWatchLine(type: ResourceType, line: string): WatchLine {
  const malformed = (what: string, cause?: unknown) =>
    new OrbError('KUBE_MALFORMED', {
      ...{ message: `watch of ${type.plural}: ${what}`, subject: type.plural },
      ...(cause !== undefined && { cause }),
    });
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw malformed('a line is not JSON', error);
  }
  const { type: kind, object } = fieldsOf(event);
  if (kind === 'ERROR') {
    const status: Status = fieldsOf(object);
    throw refusal(`watch ${type.plural}`, type.plural, status.code ?? 500, status);
  }
  const { name, resourceVersion } = fieldsOf(fieldsOf(object).metadata);
  const isVersion = typeof resourceVersion === 'string' && resourceVersion !== '';
  if (kind === 'BOOKMARK') {
    if (!isVersion) throw malformed('a bookmark has no resourceVersion');
    return { type: kind, resourceVersion };
  }
  if (kind !== 'ADDED' && kind !== 'MODIFIED' && kind !== 'DELETED') {
    throw malformed(`unknown event ${JSON.stringify(kind) ?? 'without type'}`);
  }
  if (!isVersion || typeof name !== 'string' || name === '') {
    throw malformed('the object of an event has no name or no resourceVersion');
  }
  return { type: kind, object: object as { metadata: Identity } };
}

/** The fields of a value that may be anything. */
function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
