// How large annotations may be (k8s.io/apimachinery api/validation TotalAnnotationSizeLimitB).

import type { JsonObject } from '../json.ts';

/** Keys and values of one object together, in bytes. */
export const maximumAnnotationBytes = 256 * 1024;

/** Whether annotations are larger than any object may have. */
export function areTooLong(annotations: JsonObject): boolean {
  const texts = Object.entries(annotations).flat();
  const bytes = texts.reduce(
    (sum: number, text) => sum + (typeof text === 'string' ? Buffer.byteLength(text) : 0),
    0,
  );
  return bytes > maximumAnnotationBytes;
}
