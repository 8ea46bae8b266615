// Which decision answers which webhook.

import jsonpatch from 'fast-json-patch';
import type { SpiderIPPool } from '#api';
import { errorText, isOrbError } from '#base';
import {
  type AdmissionCluster,
  type AdmissionQuestion,
  admissionVerdict,
  refusalCause,
  refusalText,
  storedObject,
} from '#plan/admission';
import { isAutomatic } from '#plan/subnet';
import type { Claims } from './claims.ts';
import { type PodReviewOptions, reviewNamespace, reviewPod, reviewWorkload } from './pod-reviewers.ts';
import type { ReviewAnswer, ReviewRequest } from './review.ts';
import type { Reviewer } from './webhook-server.ts';

/** The networks of the cluster. */
export type Networks = Pick<AdmissionCluster, 'pools' | 'subnets'>;

export interface ReviewerParts {
  /** As the informers show it, a moment ago. */
  readonly cluster: AdmissionCluster;
  /** Reads the networks from the server. */
  readonly readNetworks: () => Promise<Networks>;
  readonly claims: Claims;
  readonly pods: PodReviewOptions;
}

/** The reviewers by path. */
export function reviewersOf(parts: ReviewerParts): ReadonlyMap<string, Reviewer> {
  const { cluster, pods } = parts;
  return new Map<string, Reviewer>([
    ['/pods', (request) => reviewPod(request, pods)],
    ['/workloads', (request) => reviewWorkload(request, pods)],
    ['/namespaces', (request) => reviewNamespace(request, pods)],
    ['/mutate', (request) => mutated(request, cluster)],
    ['/validate', (request) => validated(request, parts)],
  ]);
}

/**
 * Networks are judged one after the other, also where several replicas are asked at once. The agents book addresses in a
 * subnet right before they write them into an automatic pool. So such a pool is refused only by what the server has now.
 */
async function validated(
  request: ReviewRequest,
  { cluster, readNetworks, claims }: ReviewerParts,
): Promise<ReviewAnswer> {
  if (!claims.concerns(request)) return judged(request, cluster);
  const among = ({ pools, subnets }: Networks) =>
    claims.judge(request, (pending) =>
      judged(request, {
        ...cluster,
        pools: () => [...pools(), ...pending.pools],
        subnets: () => [...subnets(), ...pending.subnets],
      }),
    );
  try {
    const answer = await among(cluster);
    if (answer.allowed || !isAutomatic(request.object as unknown as SpiderIPPool)) return answer;
    return await among(await readNetworks());
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
