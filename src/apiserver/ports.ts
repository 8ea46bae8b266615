// What writes of objects need from outside: admission, rules of single kinds, and the server's own parts.

import type { Clock } from '#base';
import type { User } from './access/index.ts';
import type { ApiObject } from './json.ts';
import type { Registry } from './registry.ts';
import type { Resource } from './resource.ts';
import type { RuleEngine, Schema } from './schema/index.ts';
import type { StatusCause } from './status.ts';
import type { Store } from './store/index.ts';

/** A write that admission judges. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  /** `status`, or empty. */
  readonly subresource: string;
  /** The object that would be stored; for DELETE the object that would be deleted. */
  readonly object: ApiObject;
  readonly oldObject: ApiObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** Gets the texts of Warning headers. The write continues. */
  readonly warnings: string[];
}

/**
 * Admission in the server's process, and admission by webhooks.
 * An error denies the request, and the client gets its message.
 */
export interface Admission {
  /** Returns the object to store. It may change and return `request.object`. */
  mutate?(request: AdmissionRequest): ApiObject | Promise<ApiObject>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

/** What the server does to an object of a kind before it stores it. Methods may change the objects they get. */
export interface Strategy {
  prepareCreate?(object: ApiObject): void;
  prepareUpdate?(object: ApiObject, old: ApiObject): void;
  validate?(object: ApiObject, old: ApiObject | undefined): StatusCause[];
  /**
   * Called when a prepared object is stored, or will never be stored.
   * Then its reserved addresses and ports are no longer pending.
   */
  settled?(object: ApiObject): void;
  /** Called after the object is removed from the store. */
  removed?(object: ApiObject): void;
}

/** What the code needs to write objects. */
export interface ObjectContext {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly rules: RuleEngine;
  readonly metaSchema: Schema;
  readonly admission: Admission;
  strategyOf(resource: Resource): Strategy | undefined;
}

/** The options of one write. */
export interface WriteOptions {
  /** The writer, for managedFields. */
  readonly manager: string;
  /** The user, for admission. */
  readonly user: User;
  readonly dryRun: boolean;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Gets the texts of Warning headers. */
  readonly warnings: string[];
}
