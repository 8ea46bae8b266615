// AdmissionReview v1, strictly read, and its answer (k8s.io/api admission/v1).

import { z } from 'zod';
import { check, parseJson } from '#api';

const named = { group: z.string(), version: z.string().min(1) };
/** Fields that we do not read are allowed: newer API servers send more. */
const requestSchema = z.looseObject({
  uid: z.string().min(1),
  kind: z.looseObject({ ...named, kind: z.string().min(1) }),
  resource: z.looseObject({ ...named, resource: z.string().min(1) }),
  subResource: z.string().default(''),
  /** Empty if the API server makes the name from generateName. */
  name: z.string().default(''),
  namespace: z.string().default(''),
  operation: z.enum(['CREATE', 'UPDATE', 'DELETE']),
  object: z.record(z.string(), z.unknown()).nullish(),
  oldObject: z.record(z.string(), z.unknown()).nullish(),
  dryRun: z.boolean().nullish(),
});

const reviewSchema = z.looseObject({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: requestSchema,
});

export type ReviewRequest = z.infer<typeof requestSchema>;

/** What is said about a request. */
export interface ReviewAnswer {
  readonly allowed: boolean;
  /** A Status (meta/v1) that says why it is not allowed. */
  readonly status?: object;
  /** A JSON patch (RFC 6902) of the object. */
  readonly patch?: readonly object[];
  readonly warnings?: readonly string[];
}

const judgedSchema = z.looseObject({});

/** @throws OrbError INPUT_INVALID for what is no AdmissionReview of this version */
export function readReview(text: string): ReviewRequest {
  const subject = 'AdmissionReview';
  const { request } = check(reviewSchema, parseJson(text, { subject }), { subject });
  const { operation, object, oldObject } = request;
  // What admission judges must be there (admission/v1 AdmissionRequest).
  const judged = operation === 'DELETE' ? oldObject : object;
  const field = operation === 'DELETE' ? 'request.oldObject' : 'request.object';
  check(judgedSchema, judged, { subject: `${subject}: ${field} of ${operation}` });
  return request;
}

/** The body of the answer. */
export function reviewText(
  uid: string,
  { allowed, status, patch = [], warnings = [] }: ReviewAnswer,
): string {
  const response = {
    uid,
    allowed,
    ...(status !== undefined && { status }),
    ...(patch.length > 0 && {
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
    ...(warnings.length > 0 && { warnings }),
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
}
