// A SpiderMultusConfig as it is stored, with all defaults, or what is wrong with it.

import { issuesOf, resources, type SpiderMultusConfig } from '#api';
import type { AdmissionIssue } from '#plan/ipam';
import { chainIssues } from './chain-issues.ts';
import { injectIssues } from './inject-issues.ts';
import { nameIssues } from './name-issues.ts';
import type { Spec } from './spec.ts';
import { specIssues } from './spec-issues.ts';

/** A SpiderMultusConfig that can be rendered. */
export interface ReadConfig {
  readonly metadata: SpiderMultusConfig['metadata'];
  readonly spec: Spec;
}

export type Reading =
  | { readonly config: ReadConfig; readonly issues?: undefined }
  | { readonly config?: undefined; readonly issues: readonly AdmissionIssue[] };

/**
 * Reads what one object says by itself. An object without a spec is of the type `custom`, without a configuration, as in
 * Spiderpool.
 */
export function readConfig(stored: Pick<SpiderMultusConfig, 'metadata' | 'spec'>): Reading {
  const { schema } = resources.spiderMultusConfigs;
  const object = { metadata: stored.metadata, spec: stored.spec ?? {} };
  const { metadata, spec } = schema.safeParse(object).data ?? {};
  if (metadata === undefined || spec === undefined) return { issues: issuesOf(schema, object) };
  const config = { metadata, spec };
  const issues = [...nameIssues(config), ...specIssues(spec), ...injectIssues(config), ...chainIssues(spec)];
  return issues.length > 0 ? { issues } : { config };
}
