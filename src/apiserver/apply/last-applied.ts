// Moves from kubectl's client-side apply to server-side apply. It uses the annotation with kubectl's last applied configuration
// (k8s.io/apimachinery managedfields: lastAppliedManager, lastAppliedUpdater).

import { areTooLong } from '../annotations.ts';
import {
  type ApiObject,
  canonicalText,
  isObject,
  type Json,
  type JsonObject,
  objectAt,
  stringAt,
} from '../json.ts';
import type { Schema } from '../schema/index.ts';
import { compare } from './compare.ts';
import { FieldSet, fieldSetOf } from './field-set.ts';
import type { Writer } from './managed-fields.ts';

/** The annotation in which kubectl apply stores the configuration that it applied. */
const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** The manager of `kubectl apply --server-side`. Other managers must get a conflict with what kubectl applied. */
const KUBECTL = 'kubectl';

/**
 * The fields that `writer` may take from others without force.
 * For kubectl, these are the fields that it applied last and nobody has changed since.
 */
export function unchangedSinceApplied(schema: Schema, live: ApiObject, writer: Writer): FieldSet {
  const applied = writer.manager === KUBECTL ? parsed(lastApplied(live)) : undefined;
  if (applied?.apiVersion !== writer.apiVersion) return new FieldSet();
  const { changed, removed } = compare(schema, applied, live);
  return fieldSetOf(schema, applied).without(changed).without(removed);
}

/** `object` with its annotation updated, when kubectl applies. An annotation that becomes too long is removed. */
export function withLastApplied(object: ApiObject, applied: ApiObject, writer: Writer): ApiObject {
  if (writer.manager !== KUBECTL || lastApplied(object) === '') return object;
  const annotations: JsonObject = {
    ...objectAt(object, 'metadata', 'annotations'),
    [ANNOTATION]: `${canonicalText(withoutAnnotation(applied))}\n`,
  };
  if (areTooLong(annotations)) delete annotations[ANNOTATION];
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function lastApplied(object: ApiObject): string {
  return stringAt(object, 'metadata', 'annotations', ANNOTATION) ?? '';
}

/** Undefined for an annotation that is not an object, which is then ignored. */
function parsed(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function withoutAnnotation(applied: ApiObject): ApiObject {
  const { annotations } = applied.metadata;
  if (!isObject(annotations)) return applied;
  const { [ANNOTATION]: _old, ...rest } = annotations;
  return { ...applied, metadata: { ...applied.metadata, annotations: rest } };
}
