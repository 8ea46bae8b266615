// Issues of admission in the words of the API server: what `kubectl` shows of a refused object.

import type { AdmissionIssue } from '#plan/ipam';

/** One wrong field (details.causes[] of a Status). */
export interface RefusalCause {
  readonly reason: 'FieldValueForbidden' | 'FieldValueInvalid';
  readonly message: string;
  readonly field: string;
}

/** The object that is refused. */
export interface RefusedObject {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export function refusalCause({ field, value, message, forbidden }: AdmissionIssue): RefusalCause {
  if (forbidden) return { reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field };
  const shown = JSON.stringify(value);
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${message}`, field };
}

/** The text of the 422 of kube-apiserver (apimachinery NewInvalid). */
export function refusalText({ group, kind, name }: RefusedObject, causes: readonly RefusalCause[]): string {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return `${group === '' ? kind : `${kind}.${group}`} "${name}" is invalid: ${all}`;
}
