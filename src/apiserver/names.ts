// Names and metadata: what is a valid name, label or annotation (Kubernetes: "Object Names and IDs", "Labels and Selectors").

import { areTooLong, MAXIMUM_ANNOTATION_BYTES } from './annotations.ts';
import { type ApiObject, type Json, objectAt } from './json.ts';
import type { StatusCause } from './status.ts';

/** The longest name of an object, and the longest prefix of a label key. */
const LONGEST_SUBDOMAIN = 253;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_KEY_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

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
    if (!isQualifiedName(key))
      say(
        'metadata.labels',
        key,
        'not a label key: optional DNS prefix of at most 253 characters and "/", then a name of at most 63 characters',
      );
    if (typeof value !== 'string' || value.length > 63 || !LABEL_VALUE.test(value))
      say('metadata.labels', value, 'not a label value: at most 63 alphanumerics, "-", "_" or "."');
  }
  const annotations = objectAt(object, 'metadata', 'annotations');
  for (const [key, value] of Object.entries(annotations)) {
    if (!isQualifiedName(key.toLowerCase()))
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

function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  return (
    parts.length <= 1 &&
    (parts[0] === undefined || isSubdomain(parts[0])) &&
    name.length <= 63 &&
    LABEL_KEY_NAME.test(name)
  );
}

function isSubdomain(text: string): boolean {
  return text.length <= LONGEST_SUBDOMAIN && SUBDOMAIN.test(text);
}
