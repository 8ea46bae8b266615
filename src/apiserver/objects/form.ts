// Request bodies that are not stored, such as options and reviews. The server checks them against their type first.

import type { JsonObject } from '../json.ts';
import { RuleEngine, type Schema, validate } from '../schema/index.ts';
import { badRequest, invalid, type StatusCause } from '../status.ts';
import { dropNulls } from './checks.ts';

/** The expected form of a body. */
export interface Form {
  readonly group: string;
  readonly kind: string;
  readonly schema: Schema;
}

/** No form has rules in its schema. */
const noRules = new RuleEngine();

/**
 * Throws 400 for a body of another kind and 422 for wrong fields.
 * It removes null fields, because Go treats them as absent.
 */
export function checkForm(
  { group, kind, schema }: Form,
  body: JsonObject,
  name = '',
  more: (body: JsonObject) => readonly StatusCause[] = () => [],
): void {
  dropNulls(body);
  const given = body.kind ?? kind;
  if (given !== kind)
    throw badRequest(`the body of the request is a ${JSON.stringify(given)}: it must be a ${kind}`);
  const wrong = validate(schema, body, undefined, noRules);
  const causes = wrong.length > 0 ? wrong : more(body);
  if (causes.length > 0) throw invalid({ group, kind, name }, causes);
}
