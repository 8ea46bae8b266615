// The server's description of a kind in one version: names, scope, subresources, schema, columns.

import type { Schema } from './schema/index.ts';

/** Where a kind keeps its replicas (scale subresource). */
export interface ScalePaths {
  readonly spec: readonly string[];
  readonly status: readonly string[];
  /** Path of a selector in text form. Workloads have their selector in spec.selector. */
  readonly selector?: readonly string[];
}

/** A printer column of a custom resource (additionalPrinterColumns[]). */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** A subresource that takes POST alone, and the kind of its body. */
export interface CreateOnlySubresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** A kind in one version, as served. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly statusSubresource: boolean;
  readonly scale: ScalePaths | undefined;
  /** Objects of this kind are not stored. A POST is a question, and the response is its answer. */
  readonly createOnly?: boolean;
  readonly subresources?: readonly CreateOnlySubresource[];
  readonly schema: Schema;
  /** Fields of a custom resource that field selectors may name (selectableFields). */
  readonly selectableFields?: readonly string[];
  /** Columns of a custom resource. The columns of built-in kinds are in code. */
  readonly columns: readonly PrinterColumn[] | undefined;
  /** Whether a CustomResourceDefinition defines it. */
  readonly custom: boolean;
}

/** The name under which all versions of a kind are stored. */
export function storageName(resource: Pick<Resource, 'group' | 'plural'>): string {
  return `${resource.plural}.${resource.group}`;
}

/** `v1` or `apps/v1`. */
export function apiVersion(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
