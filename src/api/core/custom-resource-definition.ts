// CustomResourceDefinition: a kind added at run time (apiextensions.k8s.io/v1).

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';

const texts = z.array(z.string()).optional();

const namesSchema = partOf({
  plural: z.string().describe('Plural in lower case, as in the path.'),
  singular: z.string().optional().describe('Singular in lower case.'),
  kind: z.string().describe('The kind.'),
  listKind: z.string().optional().describe('Kind of a list; the kind with List behind it unless set.'),
  shortNames: texts.describe('Short names for kubectl.'),
  categories: texts.describe('Groups of kinds that kubectl lists together.'),
});

const columnSchema = partOf({
  name: z.string().describe('Heading.'),
  type: z.string().describe('integer, number, string, boolean or date.'),
  format: z.string().optional().describe('OpenAPI format.'),
  description: z.string().optional().describe('What it shows.'),
  priority: z.int().optional().describe('Above 0: only with -o wide.'),
  jsonPath: z.string().describe('Where the value is.'),
});

const versionSchema = partOf({
  name: z.string().describe('The version, for example v1.'),
  served: z.boolean().describe('Whether it is served.'),
  storage: z.boolean().describe('Whether objects are stored in it; true for exactly one.'),
  schema: partOf({ openAPIV3Schema: z.unknown().describe('Structural schema.') })
    .optional()
    .describe('Form of the objects.'),
  subresources: partOf({
    status: partOf({}).optional().describe('Whether status is a subresource.'),
    scale: partOf({}).optional().describe('Whether kubectl scale works.'),
  })
    .optional()
    .describe('Subresources.'),
  additionalPrinterColumns: z.array(columnSchema).optional().describe('Columns of kubectl get.'),
});

export const customResourceDefinitionSchema = partOf({
  ...typeFields,
  spec: partOf({
    group: z.string().describe('API group.'),
    names: namesSchema.describe('Names of the kind.'),
    scope: z.enum(['Cluster', 'Namespaced']).describe('Whether objects have a namespace.'),
    versions: z.array(versionSchema).min(1).describe('Versions of the kind.'),
    preserveUnknownFields: z.boolean().optional().describe('Whether nothing is pruned; deprecated.'),
  }).describe('The kind.'),
  status: partOf({
    conditions: conditionsField,
    acceptedNames: namesSchema.partial().optional().describe('Names in use.'),
    storedVersions: texts.describe('Versions in which objects were ever stored.'),
  })
    .optional()
    .describe('Whether the kind is served.'),
}).describe('CustomResourceDefinition adds a kind.');

export type CustomResourceDefinition = z.infer<typeof customResourceDefinitionSchema>;
export type CustomResourceVersion = z.infer<typeof versionSchema>;

export const customResourceDefinitions: ResourceType<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
  statusSubresource: true,
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  schema: customResourceDefinitionSchema,
};
