// Whether the server asks a webhook about a write, and in which version of the kind.

import type { JsonObject } from '../json.ts';
import type { AdmissionRequest } from '../ports.ts';
import { isSelected } from '../selectors.ts';
import type { Webhook, WebhookRule } from './webhook.ts';

/** A group and version of a kind. */
interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/**
 * The version in which the webhook gets the object; undefined when the webhook is not asked.
 * `versions` are the served versions of the kind.
 */
export function versionFor(
  webhook: Webhook,
  request: AdmissionRequest,
  versions: readonly string[],
  namespace: JsonObject | undefined,
): string | undefined {
  if (!isChosen(webhook, request, namespace)) return undefined;
  const asked = (version: string) =>
    webhook.rules.some((rule) => holds(rule, request, { group: request.group, version }));
  if (asked(request.version)) return request.version;
  return webhook.anyVersion ? versions.find(asked) : undefined;
}

function holds(rule: WebhookRule, request: AdmissionRequest, { group, version }: GroupVersion): boolean {
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  return (
    has(rule.operations, request.operation) &&
    has(rule.apiGroups, group) &&
    has(rule.apiVersions, version) &&
    rule.resources.some((name) => isResource(name, request)) &&
    (rule.scope === '*' || (rule.scope === 'Namespaced') === (request.namespace !== ''))
  );
}

/** `pods`, `pods/status` or `pods/*`. `*` means all resources without subresources; `*` and `/*` mean everything. */
function isResource(text: string, { plural, subresource }: AdmissionRequest): boolean {
  const [name = '', below = ''] = text.split('/');
  return (name === '*' || name === plural) && (below === '*' || below === subresource);
}

/** Matches the labels of the namespace, of a Namespace itself, and of the object before or after the write. */
function isChosen(webhook: Webhook, request: AdmissionRequest, namespace: JsonObject | undefined): boolean {
  const { object, oldObject, kind, group } = request;
  const home = kind === 'Namespace' && group === '' ? object : namespace;
  if (home !== undefined && !isSelected(webhook.namespaceSelector, home)) return false;
  return [object, oldObject].some((it) => it !== undefined && isSelected(webhook.objectSelector, it));
}
