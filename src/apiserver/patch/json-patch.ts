// JSON patch (RFC 6902).

import jsonpatch, { type Operation } from 'fast-json-patch';
import { errorText } from '#base';
import { refuseUnfit } from '../http/index.ts';
import { clone, isObject, type Json } from '../json.ts';
import { badRequest, StatusError } from '../status.ts';

/** Limits of one patch (k8s.io/apiserver maxJSONPatchOperations, and JSONPatchMaxCopyBytes of its options). */
const limits = { operations: 10_000, copiedBytes: 3 * 1024 * 1024 };

/** A new value: `target` after all operations. Throws 422 when an operation does not apply or a test fails. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch must be a list of operations');
  if (operations.length > limits.operations) {
    const why = `The allowed maximum operations in a JSON patch is ${limits.operations}, got ${operations.length}`;
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);
  }
  try {
    return applied(target, operations as unknown as Operation[]);
  } catch (error) {
    // The library appends the whole document to its messages: cut it off.
    const text = errorText(error).split('\n')[0] ?? '';
    throw new StatusError(
      422,
      'Invalid',
      `the server rejected our request due to an error in our request: ${text}`,
    );
  }
}

function applied(target: Json, operations: readonly Operation[]): Json {
  let document = clone(target);
  let copied = 0;
  operations.forEach((operation, index) => {
    copied += sizeOfCopy(document, operation);
    if (copied > limits.copiedBytes)
      throw new Error(
        `Unable to complete the copy, the accumulated size exceeds ${limits.copiedBytes} bytes`,
      );
    if (testsAbsence(document, operation)) return;
    document = jsonpatch.applyOperation(document, operation, true, true, true, index).newDocument;
  });
  // Every operation may nest the results of the operations before it.
  refuseUnfit(document);
  return document;
}

/**
 * Whether it is a test for null of a field that an object does not have. kube-apiserver lets it pass (evanphx/json-patch,
 * `Patch.test`), and clients test that a field is absent like this.
 */
function testsAbsence(document: Json, operation: Operation): boolean {
  if (operation?.op !== 'test' || typeof operation.path !== 'string') return false;
  const end = operation.path.lastIndexOf('/');
  if (end < 0 || (operation.value ?? null) !== null) return false;
  const parent = jsonpatch.getValueByPointer(document, operation.path.slice(0, end)) as Json | undefined;
  const key = jsonpatch.unescapePathComponent(operation.path.slice(end + 1));
  return isObject(parent) && !Object.hasOwn(parent, key);
}

/** The bytes that a copy adds. Without a limit, copies of copies would grow without end. */
function sizeOfCopy(document: Json, operation: Operation): number {
  if (operation?.op !== 'copy' || typeof operation.from !== 'string') return 0;
  const from = jsonpatch.getValueByPointer(document, operation.from) as Json | undefined;
  return from === undefined ? 0 : Buffer.byteLength(JSON.stringify(from));
}
