// Keys and values of labels as text (Kubernetes, "Labels and Selectors"; apimachinery util/validation).

/** The longest DNS subdomain: the name of an object, and the prefix of a label key. */
const LONGEST_SUBDOMAIN = 253;
/** The longest value of a label, and the longest name in its key. */
const LONGEST_NAME = 63;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

export const LABEL_KEY_RULE =
  'not a label key: optional DNS prefix of at most 253 characters and "/", then a name of at most 63 characters';
export const LABEL_VALUE_RULE = 'not a label value: at most 63 alphanumerics, "-", "_" or "."';

/** A DNS name in lower case (RFC 1123, subdomain). */
export function isSubdomain(text: string): boolean {
  return text.length <= LONGEST_SUBDOMAIN && SUBDOMAIN.test(text);
}

/** A name, with or without a DNS prefix and `/`. */
export function isLabelKey(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  const [prefix] = parts;
  return parts.length <= 1 && (prefix === undefined || isSubdomain(prefix)) && isName(name);
}

/** Empty, or a name. */
export function isLabelValue(value: string): boolean {
  return value === '' || isName(value);
}

function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && NAME.test(text);
}
