// metadata and label selectors of every kind (Kubernetes API conventions).

import { z } from 'zod';
import { openObject } from './open-object.ts';

const text = z.string().optional();

/** metadata.ownerReferences[]. */
export const ownerReferenceSchema = openObject({
  apiVersion: z.string().describe('Group and version of the owner.'),
  kind: z.string().describe('Kind of the owner.'),
  name: z.string().describe('Name of the owner.'),
  uid: z.string().describe('UID of the owner.'),
  controller: z.boolean().optional().describe('Whether the owner is the managing controller.'),
  blockOwnerDeletion: z
    .boolean()
    .optional()
    .describe('Whether foreground deletion of the owner waits for this object.'),
});

/** metadata of any object. */
export const metadataSchema = openObject({
  name: text.describe('Name, unique within the namespace or the cluster.'),
  generateName: text.describe('Prefix of a name that the server completes.'),
  namespace: text.describe('Namespace of a namespaced object.'),
  uid: text.describe('Unique for all time; set by the server.'),
  resourceVersion: text.describe('Version of the stored object; set by the server.'),
  generation: z.int().optional().describe('Number of changes of the spec; set by the server.'),
  creationTimestamp: z.string().nullish().describe('When the object was created; set by the server.'),
  deletionTimestamp: text.describe('When the deletion was requested; set by the server.'),
  deletionGracePeriodSeconds: z
    .int()
    .optional()
    .describe('Seconds that a graceful deletion may take; set by the server.'),
  labels: z.record(z.string(), z.string()).optional().describe('Labels that selectors match.'),
  annotations: z
    .record(z.string(), z.string())
    .optional()
    .describe('Annotations: data for programs and people.'),
  finalizers: z
    .array(z.string())
    .optional()
    .describe('Finalizers: names that must be removed before the object is deleted.'),
  ownerReferences: z
    .array(ownerReferenceSchema)
    .optional()
    .describe('Owners of this object; it is deleted when all of them are gone.'),
});

/** The fields every object has. */
export const typeFields = {
  apiVersion: text.describe('Group and version of the schema of this object, for example apps/v1.'),
  kind: text.describe('Kind of this object.'),
  metadata: metadataSchema.describe('Standard metadata.'),
};

const selectorRequirementSchema = openObject({
  key: z.string().describe('The label key.'),
  operator: z
    .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
    .describe('How the label relates to the values.'),
  values: z
    .array(z.string())
    .optional()
    .describe('Values for In and NotIn; empty for Exists and DoesNotExist.'),
});

/** metav1.LabelSelector. */
export const labelSelectorSchema = openObject({
  matchLabels: z
    .record(z.string(), z.string())
    .optional()
    .describe('Labels that must all be present with these values.'),
  matchExpressions: z
    .array(selectorRequirementSchema)
    .optional()
    .describe('Requirements that must all be met.'),
}).meta({ 'x-kubernetes-map-type': 'atomic' });

export type LabelSelector = z.infer<typeof labelSelectorSchema>;
