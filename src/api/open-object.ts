// Schemas for what others send: objects of the API, whose unknown fields are kept, and lists of limited length.

import { z } from 'zod';

/**
 * An object whose unknown fields survive a read and the next write. Newer servers and other writers need this. Its type
 * has only the known fields. With zod's own looseObject, a misspelt field name would compile.
 */
export function openObject<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape> {
  return z.looseObject(shape) as unknown as z.ZodObject<Shape>;
}

/**
 * A part of a kind for which we list only the fields that we use. The server keeps all other fields, and its OpenAPI
 * allows them.
 */
export function partOf<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape> {
  return openObject(shape).meta({ 'x-kubernetes-preserve-unknown-fields': true });
}

/**
 * A Go `int64`. Upstream writes counts up to 2^63-1, which a JavaScript number holds only approximately. We never write
 * above 2^53-1.
 */
export function int64(): z.ZodNumber {
  return z.number().multipleOf(1).meta({ type: 'integer', format: 'int64', multipleOf: undefined });
}

/** A Go `int32`. */
export function int32(): z.ZodInt {
  return z.int().meta({ format: 'int32' });
}

/** A value that is a number or text, for example `targetPort`. */
export function intOrString(): z.ZodUnion<readonly [z.ZodInt, z.ZodString]> {
  return z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true });
}

/**
 * No real network has more addresses or routes. The time of a plan grows with the square of its routes, and one agent
 * serves the whole node.
 */
const MOST_ENTRIES = 1000;

/** A list of at most 1000 entries. A longer list is refused before its entries are checked. */
export function shortList<T extends z.ZodType>(entry: T) {
  return z.array(z.unknown()).max(MOST_ENTRIES).pipe(z.array(entry));
}
