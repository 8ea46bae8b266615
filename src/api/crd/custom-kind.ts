// The fields that one of our kinds adds to a resource type. Its CustomResourceDefinition is made from them.

import type { KubeObject, ResourceType } from '../resource.ts';

/** additionalPrinterColumns[] of a CRD: the columns that `kubectl get` prints. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** A column above 0 is shown only with `-o wide`. */
  readonly priority?: number;
}

/** A kind with a CustomResourceDefinition. */
export interface CustomKind<T extends KubeObject = KubeObject> extends ResourceType<T> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly PrinterColumn[];
}
