// Checks of single fields that several kinds share, in the words of kube-apiserver (apimachinery util/validation/field).

import { type ApiObject, numberAt, stringAt } from '../json.ts';
import type { StatusCause } from '../status.ts';

export function invalidField(field: string, value: string | number, why: string): StatusCause {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

/** The causes for the number fields `names` at `path` that are negative. */
export function negativeCauses(object: ApiObject, path: string, names: readonly string[]): StatusCause[] {
  return names.flatMap((name) => {
    const value = numberAt(object, ...path.split('.'), name) ?? 0;
    return value < 0 ? [invalidField(`${path}.${name}`, value, 'must be greater than or equal to 0')] : [];
  });
}

/** The cause where the text at `field` is set and is not one of the supported values. */
export function choiceCauses(object: ApiObject, field: string, supported: readonly string[]): StatusCause[] {
  const value = stringAt(object, ...field.split('.'));
  if (value === undefined || supported.includes(value)) return [];
  const all = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${all}`;
  return [{ reason: 'FieldValueNotSupported', message, field }];
}
