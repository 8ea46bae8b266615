// Rules in the Common Expression Language on nodes of a schema (x-kubernetes-validations).

import { Environment, Optional } from '@marcbachmann/cel-js';
import { errorText } from '#base';
import { isObject, type Json } from '../json.ts';
import { fieldSchema, type Schema, type ValidationRule } from './schema.ts';

type Compiled = (context: Record<string, unknown>) => unknown;

/** The message of a rule that failed. */
export interface BrokenRule {
  readonly message: string;
  readonly reason: string;
  readonly fieldPath: string;
}

/** Compiles rules once and evaluates them. */
export class RuleEngine {
  readonly #environment = environment();
  readonly #compiled = new Map<string, Compiled>();

  /** Why an expression cannot be used; undefined when it can. */
  fault(expression: string): string | undefined {
    try {
      const checked = this.#compile(expression).check();
      return checked.valid ? undefined : (checked.error?.message ?? 'it does not type-check');
    } catch (error) {
      return errorText(error);
    }
  }

  /** The rules of a node that `value` breaks. Rules on `oldSelf` are skipped when there is no old value. */
  broken(schema: Schema, value: Json, old: Json | undefined): BrokenRule[] {
    const found: BrokenRule[] = [];
    for (const rule of schema['x-kubernetes-validations'] ?? []) {
      const transition = /\boldSelf\b/.test(rule.rule);
      if (transition && old === undefined && rule.optionalOldSelf !== true) continue;
      const oldSelf = old === undefined ? undefined : celValue(schema, old);
      const context = {
        self: celValue(schema, value),
        oldSelf: rule.optionalOldSelf === true ? optional(oldSelf) : (oldSelf ?? null),
      };
      const problem = this.#evaluate(rule, context);
      if (problem !== undefined) found.push(problem);
    }
    return found;
  }

  #evaluate(rule: ValidationRule, context: Record<string, unknown>): BrokenRule | undefined {
    const about = { reason: rule.reason ?? 'FieldValueInvalid', fieldPath: rule.fieldPath ?? '' };
    try {
      if (this.#compile(rule.rule)(context) === true) return undefined;
      return { ...about, message: this.#message(rule, context) };
    } catch (error) {
      return {
        ...about,
        message: `rule evaluation error: ${errorText(error)} evaluating rule: ${rule.rule}`,
      };
    }
  }

  #message(rule: ValidationRule, context: Record<string, unknown>): string {
    if (rule.messageExpression !== undefined) {
      try {
        const text = this.#compile(rule.messageExpression)(context);
        if (typeof text === 'string' && text !== '') return text;
      } catch {
        // A failing message expression does not change the result: upstream uses `message` then too.
      }
    }
    return rule.message ?? `failed rule: ${rule.rule}`;
  }

  #compile(expression: string): ReturnType<Environment['parse']> {
    const known = this.#compiled.get(expression);
    if (known !== undefined) return known as ReturnType<Environment['parse']>;
    const compiled = this.#environment.parse(expression);
    this.#compiled.set(expression, compiled as Compiled);
    return compiled;
  }
}

function optional(value: unknown): unknown {
  return value === undefined ? Optional.none() : Optional.of(value);
}

function environment(): Environment {
  return new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn');
}

/** A value as CEL sees it: integers of the schema are int, other numbers double. */
function celValue(schema: Schema | undefined, value: Json): unknown {
  if (typeof value === 'number') {
    const whole = schema?.type === 'integer' || schema?.['x-kubernetes-int-or-string'] === true;
    return whole && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => celValue(schema?.items, item));
  if (!isObject(value)) return value;
  const fields = Object.entries(value).map(([name, content]) => [
    name,
    celValue(schema === undefined ? undefined : fieldSchema(schema, name), content),
  ]);
  return Object.fromEntries(fields);
}
