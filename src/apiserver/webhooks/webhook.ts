// One webhook of a configuration, as plain data (admissionregistration/v1).

import { isObject, type JsonObject, listAt, numberAt, stringAt, textsAt } from '../json.ts';
import type { Entry } from '../store/index.ts';
import type { MatchCondition } from './condition.ts';

/** The writes for which the server asks a webhook. */
export interface WebhookRule {
  readonly operations: readonly string[];
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  /** `Cluster`, `Namespaced` or `*`. */
  readonly scope: string;
}

export interface Webhook {
  readonly name: string;
  readonly rules: readonly WebhookRule[];
  /** Whether a write continues when the call fails. */
  readonly ignoresFailure: boolean;
  /** Whether it is also asked about the same kind in another version. */
  readonly anyVersion: boolean;
  readonly namespaceSelector: JsonObject;
  readonly objectSelector: JsonObject;
  readonly timeoutSeconds: number;
  readonly matchConditions: readonly MatchCondition[];
  /** url or service, and caBundle. */
  readonly clientConfig: JsonObject;
}

/** The webhooks of configurations, in call order: by name of the configuration, then by their order in it. */
export function webhooksOf(configurations: readonly Entry[]): Webhook[] {
  return configurations.flatMap(({ object }) => listAt(object, 'webhooks').filter(isObject).map(webhookOf));
}

function webhookOf(webhook: JsonObject): Webhook {
  const object = (field: string) => (isObject(webhook[field]) ? webhook[field] : {});
  return {
    name: stringAt(webhook, 'name') ?? '',
    rules: listAt(webhook, 'rules').map((rule) => ({
      operations: textsAt(rule, 'operations'),
      apiGroups: textsAt(rule, 'apiGroups'),
      apiVersions: textsAt(rule, 'apiVersions'),
      resources: textsAt(rule, 'resources'),
      scope: stringAt(rule, 'scope') ?? '*',
    })),
    ignoresFailure: webhook.failurePolicy === 'Ignore',
    anyVersion: webhook.matchPolicy !== 'Exact',
    namespaceSelector: object('namespaceSelector'),
    objectSelector: object('objectSelector'),
    timeoutSeconds: numberAt(webhook, 'timeoutSeconds') ?? 10,
    matchConditions: listAt(webhook, 'matchConditions').map((condition) => ({
      name: stringAt(condition, 'name') ?? '',
      expression: stringAt(condition, 'expression') ?? '',
    })),
    clientConfig: object('clientConfig'),
  };
}
