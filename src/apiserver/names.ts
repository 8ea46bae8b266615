// Names and metadata: what is a valid name, label or annotation (Kubernetes: "Object Names and IDs", "Labels and Selectors").

import { isLabelKey, isLabelValue, isSubdomain, LABEL_KEY_RULE, LABEL_VALUE_RULE } from '#api';
import { areTooLong, MAXIMUM_ANNOTATION_BYTES } from './annotations.ts';
import { type ApiObject, type Json, objectAt } from './json.ts';
import type { StatusCause } from './status.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Kinds whose name is a DNS label, without dots. */
const labelNamed = new Set(['Namespace', 'Service']);
/** Kinds whose name may be any segment of a URL path. RBAC has names with colons. */
const pathNamed = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']);

/** A name from `generateName` and five random characters of upstream's alphabet, which has no vowels. */
export function generatedName(prefix: string): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  const random = crypto.getRandomValues(new Uint8Array(5));
  return prefix.slice(0, 58) + [...random].map((byte) => alphabet[byte % alphabet.length]).join('');
}

/** What is wrong with the name, labels and annotations. Empty if they are valid. */
export function validateMetadata(object: ApiObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const say = (field: string, value: Json, why: string) => {
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
      field,
    });
  };
  const { name } = object.metadata;
  if (pathNamed.has(object.kind)) {
    if (name === '.' || name === '..' || /[/%]/.test(name))
      say('metadata.name', name, "may not be '.', '..' or contain '/' or '%'");
  } else if (labelNamed.has(object.kind)) {
    if (name.length > 63 || !LABEL.test(name))
      say(
        'metadata.name',
        name,
        'a lowercase RFC 1123 label is needed: lower case alphanumerics and "-", at most 63 characters',
      );
  } else if (!isSubdomain(name)) {
    say(
      'metadata.name',
      name,
      'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "-" or ".", and must start and end with an alphanumeric character',
    );
  }
  for (const [key, value] of Object.entries(objectAt(object, 'metadata', 'labels'))) {
    if (!isLabelKey(key)) say('metadata.labels', key, LABEL_KEY_RULE);
    if (typeof value !== 'string' || !isLabelValue(value)) say('metadata.labels', value, LABEL_VALUE_RULE);
  }
  const annotations = objectAt(object, 'metadata', 'annotations');
  for (const [key, value] of Object.entries(annotations)) {
    if (!isLabelKey(key.toLowerCase()))
      say(
        'metadata.annotations',
        key,
        'not an annotation key: optional DNS prefix of at most 253 characters and "/", then a name of at most 63 characters',
      );
    if (typeof value !== 'string') say(`metadata.annotations.${key}`, value, 'must be a string');
  }
  if (areTooLong(annotations)) {
    const message = `Too long: may not be more than ${MAXIMUM_ANNOTATION_BYTES} bytes`;
    causes.push({ reason: 'FieldValueTooLong', message, field: 'metadata.annotations' });
  }
  return causes;
}
