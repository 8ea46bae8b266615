// JSON objects as Go's encoding/json reads them. Network configurations in use rely on these rules.

import { z } from 'zod';
import { openObject } from '../open-object.ts';

/** A schema of {@link goObject}. */
export type GoObject<Shape extends z.core.$ZodLooseShape> = z.ZodPreprocess<z.ZodObject<Shape>>;

/**
 * An object whose field names match in any case (`podDefaultRouteNIC` is `podDefaultRouteNic`). If a field occurs in
 * several spellings, the last one wins. null leaves a field unset (Go, encoding/json, Unmarshal). Unknown fields are
 * kept unchanged.
 */
export function goObject<Shape extends z.core.$ZodLooseShape>(shape: Shape): GoObject<Shape> {
  const names = new Map(Object.keys(shape).map((name) => [foldCase(name), name]));
  return z.preprocess((value) => (isObject(value) ? canonicalNames(value, names) : value), openObject(shape));
}

/** A field that other programs read. It is passed on unchanged, and any value is accepted. */
export function unchecked<T>(): z.ZodOptional<z.ZodCustom<T, T>> {
  return z.custom<T>().optional();
}

function canonicalNames(value: object, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const renamed: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const name = names.get(foldCase(key));
    if (name === undefined) Object.defineProperty(renamed, key, { ...plain, value: field });
    else if (field !== null) renamed[name] = field;
  }
  return renamed;
}

/** A key such as `__proto__` is ordinary data here. */
const plain = { enumerable: true, writable: true, configurable: true } as const;

/** Simple case folding by upper case: `ſ` becomes `s` and the Kelvin sign becomes `k`, as in Go. */
function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
