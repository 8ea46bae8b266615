// Objects of the API as schemas: known fields are checked and typed, unknown ones pass through.

import { z } from 'zod';

/**
 * An object whose unknown fields survive a read and the write after it, as servers newer than us and other writers need.
 * Its type lists the known fields only: zod's own looseObject would let a misspelt field name compile.
 */
export function openObject<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape> {
  return z.looseObject(shape) as unknown as z.ZodObject<Shape>;
}

/** Part of a kind of which we list only the fields we use: the server keeps, and its OpenAPI allows, all others. */
export function partOf<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape> {
  return openObject(shape).meta({ 'x-kubernetes-preserve-unknown-fields': true });
}

/** A Go `int64`: upstream writes counts up to 2^63-1, which a number holds only roughly; we never write above 2^53-1. */
export function int64(): z.ZodNumber {
  return z.number().multipleOf(1).meta({ type: 'integer', format: 'int64', multipleOf: undefined });
}

/** A Go `int32`. */
export function int32(): z.ZodInt {
  return z.int().meta({ format: 'int32' });
}

/** A value that is a number or text, as `targetPort`. */
export function intOrString(): z.ZodUnion<readonly [z.ZodInt, z.ZodString]> {
  return z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true });
}
