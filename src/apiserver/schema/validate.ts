// Checks a value against a structural schema; every wrong field becomes a cause of the 422.

import { canonicalText, equal, isObject, type Json, type JsonObject } from '../json.ts';
import type { StatusCause } from '../status.ts';
import { hasFormat } from './formats.ts';
import { patternOf } from './pattern.ts';
import type { RuleEngine } from './rules.ts';
import { fieldSchema, type Schema } from './schema.ts';

/** What is wrong with `value`. `old` is the value before the change, for transition rules. */
export function validate(
  schema: Schema,
  value: Json,
  old: Json | undefined,
  rules: RuleEngine,
): StatusCause[] {
  const check = new Check(rules);
  check.node(schema, value, old, '');
  return check.causes;
}

class Check {
  readonly causes: StatusCause[] = [];
  readonly #rules: RuleEngine;

  constructor(rules: RuleEngine) {
    this.#rules = rules;
  }

  node(schema: Schema, value: Json, old: Json | undefined, path: string): void {
    if (value === null) {
      if (schema.nullable === true || schema.type === undefined) return;
      this.#invalid(path, 'null', `must be of type ${schema.type}: "null"`, 'FieldValueTypeInvalid');
      return;
    }
    if (!this.#type(schema, value, path)) return;
    if (schema.enum !== undefined && !schema.enum.some((allowed) => equal(allowed, value))) {
      const allowed = schema.enum.map((item) => JSON.stringify(item)).join(', ');
      const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`;
      this.causes.push({ reason: 'FieldValueNotSupported', message, field: path });
    }
    if (typeof value === 'string') this.#string(schema, value, path);
    else if (typeof value === 'number') this.#number(schema, value, path);
    else if (Array.isArray(value)) this.#list(schema, value, old, path);
    else if (isObject(value)) this.#object(schema, value, old, path);
    this.#combined(schema, value, path);
    for (const rule of this.#rules.broken(schema, value, old)) {
      const about = rule.fieldPath === '' ? path : `${path}${rule.fieldPath}`.replace(/^\./, '');
      const shown =
        typeof value === 'object' ? (Array.isArray(value) ? 'array' : 'object') : JSON.stringify(value);
      const message = `Invalid value: ${shown === 'object' || shown === 'array' ? `"${shown}"` : shown}: ${rule.message}`;
      this.causes.push({ reason: rule.reason, message, field: about });
    }
  }

  #type(schema: Schema, value: Json, path: string): boolean {
    if (schema['x-kubernetes-int-or-string'] === true) {
      if (typeof value === 'string' || typeof value === 'number') return true;
      this.#invalid(path, typeName(value), 'must be an integer or a string', 'FieldValueTypeInvalid');
      return false;
    }
    const found = typeName(value);
    const wanted = schema.type;
    if (wanted === undefined || wanted === found || (wanted === 'number' && found === 'integer')) {
      // Go's decoder and the checks of kube-openapi accept no larger number.
      if (
        schema.format !== 'int32' ||
        typeof value !== 'number' ||
        (value === Math.trunc(value) && Math.abs(value) < 2 ** 31)
      )
        return true;
      const why = `Checked value must be of type integer with format int32 in ${path}`;
      this.#invalid(path, value, why, 'FieldValueInvalid');
      return false;
    }
    const message = `${path} in body must be of type ${wanted}: "${found}"`;
    this.#invalid(path, found, message, 'FieldValueTypeInvalid');
    return false;
  }

  #string(schema: Schema, value: string, path: string): void {
    const { minLength, maxLength, pattern, format } = schema;
    // The status of a pool has half a megabyte of text without limits.
    const length = minLength === undefined && maxLength === undefined ? 0 : Array.from(value).length;
    if (maxLength !== undefined && length > maxLength) {
      this.#say('FieldValueTooLong', path, `Too long: may not be more than ${maxLength} bytes`);
    }
    if (minLength !== undefined && length < minLength) {
      this.#invalid(path, value, `${path} in body should be at least ${minLength} chars long`);
    }
    if (pattern !== undefined && !patternOf(pattern).test(value)) {
      this.#invalid(path, value, `${path} in body should match '${pattern}'`);
    }
    if (format !== undefined && !hasFormat(format, value)) {
      this.#invalid(path, value, `${path} in body must be of type ${format}: "${value}"`);
    }
  }

  #number(schema: Schema, value: number, path: string): void {
    const { minimum, maximum, multipleOf } = schema;
    const [below, above] = [schema.exclusiveMinimum === true, schema.exclusiveMaximum === true];
    if (minimum !== undefined && (value < minimum || (below && value === minimum))) {
      this.#invalid(
        path,
        value,
        `${path} in body should be greater than ${below ? '' : 'or equal to '}${minimum}`,
      );
    }
    if (maximum !== undefined && (value > maximum || (above && value === maximum))) {
      this.#invalid(
        path,
        value,
        `${path} in body should be less than ${above ? '' : 'or equal to '}${maximum}`,
      );
    }
    if (multipleOf !== undefined && value % multipleOf !== 0) {
      this.#invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`);
    }
  }

  #list(schema: Schema, value: Json[], old: Json | undefined, path: string): void {
    const { minItems, maxItems } = schema;
    if (minItems !== undefined && value.length < minItems) {
      this.#invalid(path, value.length, `${path} in body should have at least ${minItems} items`);
    }
    if (maxItems !== undefined && value.length > maxItems) {
      this.#say('FieldValueTooMany', path, `Too many: ${value.length}: must have at most ${maxItems} items`);
    }
    const keys = schema['x-kubernetes-list-map-keys'];
    const isSet = schema['x-kubernetes-list-type'] === 'set' || schema.uniqueItems === true;
    const identity = keys === undefined ? canonicalText : (item: Json) => canonicalText(pick(item, keys));
    const seen = new Set<string>();
    if (isSet || keys !== undefined) {
      value.forEach((item, index) => {
        const text = identity(item);
        if (seen.has(text)) this.#say('FieldValueDuplicate', `${path}[${index}]`, `Duplicate value: ${text}`);
        seen.add(text);
      });
    }
    const items = schema.items;
    if (items === undefined) return;
    // Only map lists identify their old items by a key. In other lists, a position does not identify an item.
    const oldItems = new Map(
      keys === undefined || !Array.isArray(old) ? [] : old.map((item) => [identity(item), item]),
    );
    value.forEach((item, index) => {
      this.node(items, item, oldItems.get(identity(item)), `${path}[${index}]`);
    });
  }

  #object(schema: Schema, value: JsonObject, old: Json | undefined, path: string): void {
    const size = Object.keys(value).length;
    const { minProperties, maxProperties } = schema;
    if (minProperties !== undefined && size < minProperties) {
      this.#invalid(path, size, `${path} in body should have at least ${minProperties} properties`);
    }
    if (maxProperties !== undefined && size > maxProperties) {
      this.#say('FieldValueTooMany', path, `Too many: ${size}: must have at most ${maxProperties} items`);
    }
    for (const field of schema.required ?? []) {
      if (value[field] === undefined) this.#say('FieldValueRequired', join(path, field), 'Required value');
    }
    for (const [field, content] of Object.entries(value)) {
      const child = fieldSchema(schema, field);
      if (child === undefined) continue;
      this.node(child, content, isObject(old) ? old[field] : undefined, join(path, field));
    }
  }

  #combined(schema: Schema, value: Json, path: string): void {
    for (const all of schema.allOf ?? []) this.causes.push(...this.#causesOf(all, value, path));
    const { anyOf, oneOf, not } = schema;
    const fits = (option: Schema) => this.#causesOf(option, value, path).length === 0;
    if (anyOf !== undefined && !anyOf.some(fits)) {
      this.#invalid(path, value, `${path} in body must validate at least one schema (anyOf)`);
    }
    if (oneOf !== undefined && oneOf.filter(fits).length !== 1) {
      this.#invalid(path, value, `${path} in body must validate one and only one schema (oneOf)`);
    }
    if (not !== undefined && fits(not))
      this.#invalid(path, value, `${path} in body must not validate the schema (not)`);
  }

  #causesOf(schema: Schema, value: Json, path: string): StatusCause[] {
    return validate(schema, value, undefined, this.#rules).map((cause) => ({
      ...cause,
      field: join(path, cause.field),
    }));
  }

  #invalid(field: string, value: Json, why: string, reason = 'FieldValueInvalid'): void {
    this.#say(reason, field, `Invalid value: ${JSON.stringify(value)}: ${why}`);
  }

  #say(reason: string, field: string, message: string): void {
    this.causes.push({ reason, message, field: field === '' ? '<nil>' : field });
  }
}

function join(path: string, field: string): string {
  return path === '' ? field : field === '' ? path : `${path}.${field}`;
}

function pick(item: Json, keys: readonly string[]): Json {
  return isObject(item) ? keys.map((key) => item[key] ?? null) : item;
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'boolean' ? 'boolean' : typeof value;
}
