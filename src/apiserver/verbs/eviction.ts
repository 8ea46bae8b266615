// The eviction subresource of pods: a deletion that a PodDisruptionBudget may refuse (kubernetes "API-initiated Eviction").

import { sendDone } from '../http/index.ts';
import {
  type ApiObject,
  clone,
  ensureObject,
  isObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  valueAt,
} from '../json.ts';
import { stamp } from '../metadata.ts';
import { asServer, deleteObject, type Objects, readDeleteOptions, type Target } from '../objects/index.ts';
import type { Resource } from '../resource.ts';
import { isSelected } from '../selectors.ts';
import { badRequest, methodNotAllowed, StatusError } from '../status.ts';
import { bodyOf, objectBody, type ResourceCall, targetOf } from './call.ts';

export async function evict(objects: Objects, call: ResourceCall): Promise<void> {
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const body = objectBody(await bodyOf(call));
  const { kind = 'Eviction', deleteOptions = {} } = body;
  if (kind !== 'Eviction')
    throw badRequest(`the body of the request is a ${JSON.stringify(kind)}: it must be an Eviction`);
  const named = valueAt(body, 'metadata', 'name') ?? call.path.name;
  if (named !== call.path.name) throw badRequest('name in URL does not match name in Eviction object');
  if (!isObject(deleteOptions ?? {})) throw badRequest('deleteOptions must be an object');
  const target = targetOf(call);
  const pod = objects.get(target).object;
  const options = readDeleteOptions(objectAt(body, 'deleteOptions'), call.query, call.user);
  const budget = budgetOf(objects, pod);
  // A pod that does not run, or that is being deleted, uses nothing of a budget.
  const counts =
    stringAt(pod, 'status', 'phase') === 'Running' && pod.metadata.deletionTimestamp === undefined;
  if (budget !== undefined && counts) await spend(objects, budget, pod, options.dryRun);
  await deleteObject(objects, target, options);
  await objects.context.store.durable();
  sendDone(call.response, 201);
}

/** The budget that selects the pod. The eviction is refused when several budgets select it. */
function budgetOf({ context }: Objects, pod: ApiObject): Target | undefined {
  const resource = context.registry.find('policy', 'v1', 'poddisruptionbudgets') as Resource;
  const namespace = stringAt(pod, 'metadata', 'namespace') ?? '';
  const names = context.store
    .list('poddisruptionbudgets.policy')
    .filter(
      ({ key, object }) => key.namespace === namespace && isSelected(objectAt(object, 'spec').selector, pod),
    )
    .map(({ key }) => key.name);
  if (names.length > 1) {
    const why =
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, 'InternalError', `${why} They are: ${names.join(', ')}`);
  }
  return names[0] === undefined ? undefined : { resource, namespace, name: names[0] };
}

/** Uses one disruption of the budget; throws 429 when none is left. */
async function spend(objects: Objects, budget: Target, pod: ApiObject, dryRun: boolean): Promise<void> {
  const change = (current: ApiObject): ApiObject => {
    if (mayGoUnhealthy(current, pod)) return current;
    refuseWithout(current);
    const next = clone(current);
    const status = ensureObject(next, 'status');
    status.disruptionsAllowed = (numberAt(status, 'disruptionsAllowed') ?? 0) - 1;
    ensureObject(status, 'disruptedPods')[pod.metadata.name] = stamp(objects.context.clock.now());
    return next;
  };
  await objects.update(budget, 'status', change, { ...asServer, dryRun });
}

/** Whether a pod that is not ready may be evicted: when enough others are healthy, or always, by the budget's policy (KEP-3017). */
function mayGoUnhealthy(budget: ApiObject, pod: ApiObject): boolean {
  const isReady = listAt(pod, 'status', 'conditions').some(
    (it) => stringAt(it, 'type') === 'Ready' && stringAt(it, 'status') === 'True',
  );
  if (isReady) return false;
  if (stringAt(budget, 'spec', 'unhealthyPodEvictionPolicy') === 'AlwaysAllow') return true;
  const [healthy, desired] = [
    numberAt(budget, 'status', 'currentHealthy'),
    numberAt(budget, 'status', 'desiredHealthy'),
  ];
  return (desired ?? 0) > 0 && (healthy ?? 0) >= (desired ?? 0);
}

function refuseWithout(budget: ApiObject): void {
  const { name } = budget.metadata;
  const observed = numberAt(budget, 'status', 'observedGeneration') ?? 0;
  if (observed < (numberAt(budget, 'metadata', 'generation') ?? 0))
    throw violation(`The disruption budget ${name} is still being processed by the server.`);
  const [healthy, desired] = [
    numberAt(budget, 'status', 'currentHealthy'),
    numberAt(budget, 'status', 'desiredHealthy'),
  ];
  if ((numberAt(budget, 'status', 'disruptionsAllowed') ?? 0) > 0) return;
  throw violation(
    `The disruption budget ${name} needs ${desired ?? 0} healthy pods and has ${healthy ?? 0} currently`,
  );
}

/** Clients that drain a node retry after this answer (kubectl drain). */
function violation(message: string): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message }];
  const said = "Cannot evict pod as it would violate the pod's disruption budget.";
  return new StatusError(429, 'TooManyRequests', said, { causes });
}
