// How a client asks for a deletion (meta/v1 DeleteOptions).

import type { User } from '../access/index.ts';
import { META_TYPES } from '../builtin/index.ts';
import { type JsonObject, listAt, numberAt, stringAt, textsAt, valueAt } from '../json.ts';
import { TypeTable } from '../schema/index.ts';
import type { StatusCause } from '../status.ts';
import { checkForm } from './form.ts';

/** What the client asks of a deletion (DeleteOptions). */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly dryRun: boolean;
  /** Who deletes, for admission. */
  readonly user: User;
  /** Gets the texts of Warning headers, when a client waits for them. */
  readonly warnings?: string[];
}

/** Reads DeleteOptions from a body and a query string. The body takes precedence. */
export function readDeleteOptions(body: JsonObject, query: URLSearchParams, user: User): DeleteOptions {
  checkForm(optionsForm, body, '', () => optionCauses(body, query));
  const grace = numberAt(body, 'gracePeriodSeconds') ?? numberOf(query.get('gracePeriodSeconds'));
  const orphans = valueAt(body, 'orphanDependents');
  const asked =
    stringAt(body, 'propagationPolicy') ??
    query.get('propagationPolicy') ??
    (orphans === true ? 'Orphan' : undefined);
  const policy = asked === 'Foreground' || asked === 'Orphan' || asked === 'Background' ? asked : undefined;
  const uid = stringAt(body, 'preconditions', 'uid');
  const resourceVersion = stringAt(body, 'preconditions', 'resourceVersion');
  return {
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    dryRun: listAt(body, 'dryRun').includes('All') || query.get('dryRun') === 'All',
    user,
    warnings: [],
  };
}

const optionsForm = {
  group: 'meta.k8s.io',
  kind: 'DeleteOptions',
  schema: new TypeTable(META_TYPES).get('DeleteOptions'),
};
const policies = ['Foreground', 'Background', 'Orphan'];

/** Kubernetes ValidateDeleteOptions. An invalid option must not lead to a deletion that the client did not mean. */
function optionCauses(body: JsonObject, query: URLSearchParams): StatusCause[] {
  const causes: StatusCause[] = [];
  const policy = stringAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? undefined;
  if (policy !== undefined && valueAt(body, 'orphanDependents') !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set';
    const message = `Invalid value: ${JSON.stringify(policy)}: ${why}`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'propagationPolicy' });
  } else if (policy !== undefined && !policies.includes(policy)) {
    const supported = [...policies, 'nil'].map((one) => JSON.stringify(one)).join(', ');
    const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: ${supported}`;
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'propagationPolicy' });
  }
  for (const value of [...textsAt(body, 'dryRun'), ...query.getAll('dryRun')].filter((it) => it !== 'All')) {
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "All"`;
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'dryRun' });
  }
  const grace = query.get('gracePeriodSeconds');
  if (grace !== null && !/^-?\d+$/.test(grace)) {
    const message = `Invalid value: ${JSON.stringify(grace)}: must be an integer`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'gracePeriodSeconds' });
  }
  return causes;
}

function numberOf(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}
