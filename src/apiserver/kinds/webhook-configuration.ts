// What the server does to webhook configurations: it fills defaults, and checks that it can call each webhook.

import {
  type ApiObject,
  ensureObject,
  isObject,
  type JsonObject,
  listAt,
  numberAt,
  setDefault,
  stringAt,
  textsAt,
  valueAt,
} from '../json.ts';
import type { Strategy } from '../ports.ts';
import type { StatusCause } from '../status.ts';
import { conditionFault } from '../webhooks/index.ts';

function prepare(configuration: ApiObject): void {
  for (const webhook of listAt(configuration, 'webhooks'))
    if (isObject(webhook)) defaultWebhook(webhook, configuration.kind);
}

/** The defaults of admissionregistration/v1. */
function defaultWebhook(webhook: JsonObject, kind: string): void {
  setDefault(webhook, 'failurePolicy', 'Fail');
  setDefault(webhook, 'matchPolicy', 'Equivalent');
  setDefault(webhook, 'namespaceSelector', {});
  setDefault(webhook, 'objectSelector', {});
  setDefault(webhook, 'timeoutSeconds', 10);
  if (kind === 'MutatingWebhookConfiguration') setDefault(webhook, 'reinvocationPolicy', 'Never');
  for (const rule of listAt(webhook, 'rules')) if (isObject(rule)) setDefault(rule, 'scope', '*');
  const service = valueAt(webhook, 'clientConfig', 'service');
  if (isObject(service))
    setDefault(ensureObject(ensureObject(webhook, 'clientConfig'), 'service'), 'port', 443);
}

function webhookCauses(webhook: JsonObject, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const say = (reason: string, at: string, message: string) =>
    causes.push({ reason, message, field: `${field}.${at}` });
  const oneOf = (at: string, allowed: readonly string[]) => {
    const value = stringAt(webhook, at) ?? '';
    if (allowed.includes(value)) return;
    const supported = allowed.map((one) => JSON.stringify(one)).join(', ');
    say(
      'FieldValueNotSupported',
      at,
      `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
    );
  };
  const name = stringAt(webhook, 'name') ?? '';
  if (name.split('.').length < 3)
    say(
      'FieldValueInvalid',
      'name',
      `Invalid value: ${JSON.stringify(name)}: should be a domain with at least three segments separated by dots`,
    );
  oneOf('sideEffects', ['None', 'NoneOnDryRun']);
  oneOf('failurePolicy', ['Fail', 'Ignore']);
  oneOf('matchPolicy', ['Equivalent', 'Exact']);
  if (!textsAt(webhook, 'admissionReviewVersions').includes('v1'))
    say(
      'FieldValueInvalid',
      'admissionReviewVersions',
      'Invalid value: must include v1, the one version that this server sends',
    );
  const seconds = numberAt(webhook, 'timeoutSeconds') ?? 10;
  if (seconds < 1 || seconds > 30)
    say(
      'FieldValueInvalid',
      'timeoutSeconds',
      `Invalid value: ${seconds}: the timeout value must be between 1 and 30 seconds`,
    );
  for (const [index, condition] of listAt(webhook, 'matchConditions').entries()) {
    const expression = stringAt(condition, 'expression') ?? '';
    const fault = conditionFault(expression);
    if (fault === undefined) continue;
    const message = `Invalid value: ${JSON.stringify(expression)}: compilation failed: ${fault}`;
    say('FieldValueInvalid', `matchConditions[${index}].expression`, message);
  }
  return [...causes, ...clientCauses(webhook, `${field}.clientConfig`)];
}

function clientCauses(webhook: JsonObject, field: string): StatusCause[] {
  const url = stringAt(webhook, 'clientConfig', 'url');
  const service = valueAt(webhook, 'clientConfig', 'service');
  if ((url === undefined) === (service === undefined))
    return [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: exactly one of url or service is required',
        field,
      },
    ];
  if (url === undefined || (URL.canParse(url) && new URL(url).protocol === 'https:')) return [];
  return [
    {
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(url)}: 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      field: `${field}.url`,
    },
  ];
}

export const webhookConfigurationStrategy: Strategy = {
  prepareCreate: prepare,
  prepareUpdate: prepare,
  validate: (configuration) =>
    listAt(configuration, 'webhooks').flatMap((webhook, index) =>
      isObject(webhook) ? webhookCauses(webhook, `webhooks[${index}]`) : [],
    ),
};
