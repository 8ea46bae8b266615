// The CustomResourceDefinition of one of our kinds.

import type { CustomResourceDefinition } from './core/index.ts';
import { type CustomKind, type OpenApiSchema, structuralSchema } from './crd/index.ts';
import { customResources } from './resources.ts';

/** The CustomResourceDefinitions of all our kinds, ready to apply. */
export function crdManifests(): CustomResourceDefinition[] {
  const kinds: readonly CustomKind[] = Object.values(customResources);
  return kinds.map(crdManifest);
}

function crdManifest(kind: CustomKind): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        ...(kind.categories.length > 0 && { categories: [...kind.categories] }),
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        shortNames: [...kind.shortNames],
        singular: kind.singular,
      },
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          ...(kind.columns.length > 0 && { additionalPrinterColumns: [...kind.columns] }),
          schema: { openAPIV3Schema: objectSchema(kind) },
          ...(kind.statusSubresource && { subresources: { status: {} } }),
        },
      ],
    },
  };
}

/** The server checks metadata itself. It refuses a schema that restricts more of metadata than the name. */
function objectSchema(kind: CustomKind): OpenApiSchema {
  const schema = structuralSchema(kind.schema);
  return { ...schema, properties: { ...schema.properties, metadata: { type: 'object' } } };
}
