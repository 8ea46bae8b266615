// Event of the core group: `kubectl describe` prints it below an object.

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';

const text = z.string().optional();

const involvedObjectSchema = partOf({
  apiVersion: text.describe('API group and version.'),
  kind: text.describe('Kind.'),
  namespace: text.describe('Namespace.'),
  name: text.describe('Name.'),
  uid: text.describe('UID.'),
  resourceVersion: text.describe('Version of the object.'),
  fieldPath: text.describe('Part of the object.'),
});

export const eventSchema = partOf({
  ...typeFields,
  involvedObject: involvedObjectSchema.describe('Object that the event describes.'),
  type: z.enum(['Normal', 'Warning']).optional().describe('Type of the event: Normal or Warning.'),
  reason: text.describe('Reason in one word.'),
  message: text.describe('What happened, as a sentence for people.'),
  source: partOf({ component: text.describe('Program.'), host: text.describe('Node.') })
    .optional()
    .describe('Program that reported the event.'),
  count: z.int().optional().describe('How often it happened.'),
  firstTimestamp: z.string().nullish().describe('When it happened first.'),
  lastTimestamp: z.string().nullish().describe('When it happened last.'),
  eventTime: z.string().nullish().describe('When it happened.'),
  reportingComponent: text.describe('Program that reports the event.'),
  reportingInstance: text.describe('Instance of that program.'),
}).describe('Event reports what happened to an object.');

export type Event = z.infer<typeof eventSchema>;

export const events: ResourceType<Event> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
  statusSubresource: false,
  shortNames: ['ev'],
  schema: eventSchema,
};
