// One line of the tables of built-in kinds.

import type { CreateOnlySubresource } from '../resource.ts';

/** A kind: `group/version Kind plural scope`, short names, its subresources, its fields. */
export interface BuiltIn {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly status?: boolean;
  readonly scale?: boolean;
  readonly inAll?: boolean;
  /** Objects of this kind are not stored: the response to a create is the whole answer. */
  readonly createOnly?: boolean;
  readonly subresources?: readonly CreateOnlySubresource[];
  /** Top-level fields besides apiVersion, kind and metadata, in the notation of the type texts. */
  readonly fields: string;
}
