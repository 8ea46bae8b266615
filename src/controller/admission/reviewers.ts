// Which decision answers which webhook.

import jsonpatch from 'fast-json-patch';
import { errorText, isOrbError } from '#base';
import {
  type AdmissionCluster,
  type AdmissionQuestion,
  admissionVerdict,
  refusalCause,
  refusalText,
  storedObject,
} from '#plan/admission';
import type { Claims } from './claims.ts';
import { type PodReviewOptions, reviewNamespace, reviewPod, reviewWorkload } from './pod-reviewers.ts';
import type { ReviewAnswer, ReviewRequest } from './review.ts';
import type { Reviewer } from './webhook-server.ts';

/** The reviewers by path. */
export function reviewersOf(
  cluster: AdmissionCluster,
  claims: Claims,
  pods: PodReviewOptions,
): ReadonlyMap<string, Reviewer> {
  return new Map<string, Reviewer>([
    ['/pods', (request) => reviewPod(request, pods)],
    ['/workloads', (request) => reviewWorkload(request, pods)],
    ['/namespaces', (request) => reviewNamespace(request, pods)],
    ['/mutate', (request) => mutated(request, cluster)],
    ['/validate', (request) => ordered(request, cluster, claims)],
  ]);
}

/** Networks are judged one after the other, also where several replicas are asked at once. */
async function ordered(
  request: ReviewRequest,
  cluster: AdmissionCluster,
  claims: Claims,
): Promise<ReviewAnswer> {
  if (!claims.concerns(request)) return judged(request, cluster);
  try {
    return await claims.judge(request, (pending) =>
      judged(request, {
        ...cluster,
        pools: () => [...cluster.pools(), ...pending.pools],
        subnets: () => [...cluster.subnets(), ...pending.subnets],
      }),
    );
  } catch (error) {
    if (!isOrbError(error)) throw error;
    const message = `whether others want the same addresses cannot be known now: ${errorText(error)}`;
    return {
      allowed: false,
      status: { status: 'Failure', code: 503, reason: 'ServiceUnavailable', message },
    };
  }
}

function mutated(request: ReviewRequest, cluster: AdmissionCluster): ReviewAnswer {
  const { object } = request;
  if (object === null || object === undefined) return { allowed: true };
  const admitted = storedObject(questionOf(request), cluster) as object;
  return { allowed: true, patch: jsonpatch.compare(object, admitted) };
}

function judged(request: ReviewRequest, cluster: AdmissionCluster): ReviewAnswer {
  const { issues, warnings } = admissionVerdict(questionOf(request), cluster);
  if (issues.length === 0) return { allowed: true, warnings };
  const { group, kind } = request.kind;
  const name = nameOf(request);
  const causes = issues.map(refusalCause);
  const status = {
    status: 'Failure',
    code: 422,
    reason: 'Invalid',
    message: refusalText({ group, kind, name }, causes),
    details: { name, group, kind, causes },
  };
  return { allowed: false, status };
}

function questionOf({
  operation,
  resource,
  subResource,
  object,
  oldObject,
}: ReviewRequest): AdmissionQuestion {
  return {
    operation,
    group: resource.group,
    plural: resource.resource,
    subresource: subResource,
    object: operation === 'DELETE' ? oldObject : object,
    oldObject: oldObject ?? undefined,
  };
}

function nameOf({ name, object }: ReviewRequest): string {
  const metadata = object?.metadata as { name?: unknown } | undefined;
  return name === '' && typeof metadata?.name === 'string' ? metadata.name : name;
}
