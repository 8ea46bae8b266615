// The size limit of annotations (k8s.io/apimachinery api/validation TotalAnnotationSizeLimitB).

import type { JsonObject } from './json.ts';

/** The limit for all keys and values of one object, in bytes. */
export const MAXIMUM_ANNOTATION_BYTES = 256 * 1024;

/** Whether annotations exceed the limit. */
export function areTooLong(annotations: JsonObject): boolean {
  const texts = Object.entries(annotations).flat();
  const bytes = texts.reduce(
    (sum: number, text) => sum + (typeof text === 'string' ? Buffer.byteLength(text) : 0),
    0,
  );
  return bytes > MAXIMUM_ANNOTATION_BYTES;
}
