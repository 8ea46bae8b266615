// CustomResourceDefinition: a kind added at run time (apiextensions.k8s.io/v1).

import { z } from 'zod';
import { typeFields } from '../metadata.ts';
import { partOf } from '../open-object.ts';
import type { ResourceType } from '../resource.ts';
import { conditionsField } from './condition.ts';

const texts = z.array(z.string()).optional();

const namesSchema = partOf({
  plural: z.string().describe('Plural name in lower case, as in the URL path.'),
  singular: z.string().optional().describe('Singular name in lower case.'),
  kind: z.string().describe('The kind.'),
  listKind: z
    .string()
    .optional()
    .describe('Kind of a list of the objects; the kind followed by List unless set.'),
  shortNames: texts.describe('Short names for kubectl.'),
  categories: texts.describe('Categories by which kubectl lists several kinds together.'),
});

const columnSchema = partOf({
  name: z.string().describe('Heading.'),
  type: z.string().describe('Type of the column: integer, number, string, boolean or date.'),
  format: z.string().optional().describe('OpenAPI format.'),
  description: z.string().optional().describe('Description of the column.'),
  priority: z.int().optional().describe('Columns with a priority above 0 are shown with -o wide only.'),
  jsonPath: z.string().describe('Path of the value in the object.'),
});

const versionSchema = partOf({
  name: z.string().describe('Name of the version, for example v1.'),
  served: z.boolean().describe('Whether the API server serves this version.'),
  storage: z.boolean().describe('Whether objects are stored in this version; true for exactly one version.'),
  schema: partOf({ openAPIV3Schema: z.unknown().describe('Structural schema.') })
    .optional()
    .describe('Schema of the objects.'),
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
    scope: z.enum(['Cluster', 'Namespaced']).describe('Whether the objects are namespaced or cluster-wide.'),
    versions: z.array(versionSchema).min(1).describe('Versions of the kind.'),
    preserveUnknownFields: z.boolean().optional().describe('Whether unknown fields are kept; deprecated.'),
  }).describe('The kind.'),
  status: partOf({
    // kube-apiserver answers null when it has just created one.
    conditions: conditionsField.nullable(),
    acceptedNames: namesSchema.partial().optional().describe('Names that the kind has now.'),
    storedVersions: texts.describe('All versions in which objects were stored.'),
  })
    .optional()
    .describe('State of the kind.'),
}).describe('CustomResourceDefinition adds a kind to the API.');

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
