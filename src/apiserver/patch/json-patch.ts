// JSON patch (RFC 6902).

import jsonpatch, { type Operation } from 'fast-json-patch';
import { errorText } from '#base';
import type { Json } from '../json.ts';
import { badRequest, StatusError } from '../status.ts';

/** A new value: `target` after all operations; 422 when one does not apply, a failed test included. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch must be a list of operations');
  try {
    return jsonpatch.applyPatch(target, operations as unknown as Operation[], true, false).newDocument;
  } catch (error) {
    // The library appends the whole document to its messages.
    const text = errorText(error).split('\n')[0] ?? '';
    throw new StatusError(
      422,
      'Invalid',
      `the server rejected our request due to an error in our request: ${text}`,
    );
  }
}
