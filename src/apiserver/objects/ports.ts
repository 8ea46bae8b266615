// What the writing of objects is given from outside: admission, rules of single kinds, the means of the server.

import type { Clock } from '#base';
import type { User } from '../access/user.ts';
import type { ApiObject } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { Resource } from '../resource.ts';
import type { RuleEngine } from '../schema/rules.ts';
import type { Schema } from '../schema/schema.ts';
import type { StatusCause } from '../status.ts';
import type { Store } from '../store/store.ts';

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
  /** The object as it would be stored; for DELETE the one that would go. */
  readonly object: ApiObject;
  readonly oldObject: ApiObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** Filled with texts for Warning headers; the write goes on. */
  readonly warnings: string[];
}

/** Admission in process, and what calls webhooks. An error thrown denies the request: its message reaches the client. */
export interface Admission {
  /** The object to store instead; may change and return `request.object`. */
  mutate?(request: AdmissionRequest): ApiObject | Promise<ApiObject>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

/** What the server itself does to a kind before it is stored. Objects given may be changed. */
export interface Strategy {
  prepareCreate?(object: ApiObject): void;
  prepareUpdate?(object: ApiObject, old: ApiObject): void;
  validate?(object: ApiObject, old: ApiObject | undefined): StatusCause[];
  /** After an object that was prepared is stored, or will never be: what it was given may be given to others. */
  settled?(object: ApiObject): void;
  /** After the object left the store. */
  removed?(object: ApiObject): void;
}

/** The means by which objects are written. */
export interface ObjectContext {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly rules: RuleEngine;
  readonly metaSchema: Schema;
  readonly admission: Admission;
  strategyOf(resource: Resource): Strategy | undefined;
}

/** How one write is done. */
export interface WriteOptions {
  /** Who writes, for managedFields. */
  readonly manager: string;
  /** Who writes, for admission. */
  readonly user: User;
  readonly dryRun: boolean;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Filled with texts for Warning headers. */
  readonly warnings: string[];
}
