// matchConditions of webhooks: expressions in the Common Expression Language that must all be true.

import { Environment } from '@marcbachmann/cel-js';
import { errorText } from '#base';
import { isObject, type Json } from '../json.ts';
import type { AdmissionRequest } from '../ports.ts';

/** One of matchConditions. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
  .registerVariable('object', 'dyn')
  .registerVariable('oldObject', 'dyn')
  .registerVariable('request', 'dyn');

const parsed = new Map<string, ReturnType<Environment['parse']>>();

function parse(expression: string): ReturnType<Environment['parse']> {
  const known = parsed.get(expression);
  if (known !== undefined) return known;
  const fresh = environment.parse(expression);
  parsed.set(expression, fresh);
  return fresh;
}

/** Why an expression cannot be used; undefined when it can. */
export function conditionFault(expression: string): string | undefined {
  try {
    const checked = parse(expression).check();
    return checked.valid ? undefined : (checked.error?.message ?? 'it does not type-check');
  } catch (error) {
    return errorText(error);
  }
}

/** Whether all conditions are true. One that is false decides, also where another one fails (as kube-apiserver does). */
export function conditionsHold(conditions: readonly MatchCondition[], request: AdmissionRequest): boolean {
  const { operation, name, namespace, subresource, dryRun, user } = request;
  const asked = { operation, name, namespace, subResource: subresource, dryRun };
  const context = {
    object: operation === 'DELETE' ? null : celValue(request.object as Json),
    oldObject: celValue((request.oldObject ?? null) as Json),
    request: { ...asked, userInfo: { username: user.username, groups: [...user.groups] } },
  };
  let failure: Error | undefined;
  for (const { expression } of conditions) {
    try {
      if (parse(expression)(context) !== true) return false;
    } catch (error) {
      failure ??= error as Error;
    }
  }
  if (failure !== undefined) throw failure;
  return true;
}

/** Objects of webhooks have no schema in CEL: every whole number is an int. */
function celValue(value: Json): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, celValue(content)]));
}
