// What is said about pods, the workloads that make them, and namespaces: wrong annotations, and what is injected.

import jsonpatch from 'fast-json-patch';
import { z } from 'zod';
import { type KubeObject, type Namespace, type ResourceType, resources, type SpiderMultusConfig } from '#api';
import { errorText, isOrbError } from '#base';
import {
  type AdmissionCluster,
  type AnnotationProblems,
  injectedPod,
  labelledNamespace,
  namespaceAnnotationProblems,
  podAnnotationProblems,
  requestProblems,
  templateAnnotationProblems,
} from '#plan/admission';
import type { ReviewAnswer, ReviewRequest } from './review.ts';

export interface PodReviewOptions {
  /** What requests for addresses are checked against. */
  readonly cluster: Pick<AdmissionCluster, 'pools' | 'families'>;
  readonly configs: () => Iterable<SpiderMultusConfig>;
  /** The namespace, as far as it is known. */
  readonly namespaceNamed: (name: string) => Namespace | undefined;
  /** Whether wrong annotations are refused, or their author is warned. */
  readonly invalidAnnotations: 'refuse' | 'warn';
}

export function reviewPod(request: ReviewRequest, options: PodReviewOptions): ReviewAnswer {
  const pod = shaped(resources.pods, request);
  if (pod === undefined) return { allowed: true };
  const { namespace } = request;
  const annotations = options.namespaceNamed(namespace)?.metadata.annotations ?? {};
  const { wrong, unknown } = podAnnotationProblems(pod, namespace);
  const { pools, families } = options.cluster;
  const unserved = requestProblems(pod, { namespaceAnnotations: annotations, pools: pools(), families });
  const answer = judged({ wrong: [...wrong, ...unserved], unknown }, options);
  if (!answer.allowed) return answer;
  try {
    const injected = injectedPod(pod, { namespace, annotations }, options.configs());
    return { ...answer, patch: jsonpatch.compare(pod, injected) };
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return refused([errorText(error)]);
    throw error;
  }
}

const annotated = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
});
const workloadSchema = z.object({
  spec: z.object({
    template: annotated.optional(),
    jobTemplate: z.object({ spec: z.object({ template: annotated }) }).optional(),
  }),
});

/** Deployments, Jobs and their like, by the template of their pods. */
export function reviewWorkload(
  { object, kind, namespace, name }: ReviewRequest,
  options: PodReviewOptions,
): ReviewAnswer {
  const { data } = workloadSchema.safeParse(object);
  const template = data?.spec.template ?? data?.spec.jobTemplate?.spec.template;
  const workload = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, namespace, name };
  return judged(templateAnnotationProblems(template?.metadata?.annotations ?? {}, workload), options);
}

export function reviewNamespace(request: ReviewRequest, options: PodReviewOptions): ReviewAnswer {
  const namespace = shaped(resources.namespaces, request);
  // Only finalizers change now.
  if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return { allowed: true };
  const answer = judged(namespaceAnnotationProblems(namespace), options);
  if (!answer.allowed) return answer;
  return { ...answer, patch: jsonpatch.compare(namespace, labelledNamespace(namespace)) };
}

/** Undefined if the object does not have the form of its kind. The API server refuses it then. */
function shaped<T extends KubeObject>({ schema }: ResourceType<T>, { object }: ReviewRequest): T | undefined {
  return schema.safeParse(object).success ? (object as unknown as T) : undefined;
}

function judged({ wrong, unknown }: AnnotationProblems, options: PodReviewOptions): ReviewAnswer {
  if (wrong.length > 0 && options.invalidAnnotations === 'refuse') return refused(wrong);
  return { allowed: true, warnings: [...wrong, ...unknown] };
}

function refused(texts: readonly string[]): ReviewAnswer {
  const message = texts.join('; ');
  return { allowed: false, status: { status: 'Failure', code: 422, reason: 'Invalid', message } };
}
