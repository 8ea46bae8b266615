// What a kind of ours adds to a resource type, so that its CustomResourceDefinition can be made of it.

import type { KubeObject, ResourceType } from '../resource.ts';

/** additionalPrinterColumns[] of a CRD: what `kubectl get` prints. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: only with `-o wide`. */
  readonly priority?: number;
}

/** A kind that is served through a CustomResourceDefinition. */
export interface CustomKind<T extends KubeObject = KubeObject> extends ResourceType<T> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly columns: readonly PrinterColumn[];
}
