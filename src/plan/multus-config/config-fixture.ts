// SpiderMultusConfigs for tests.

import { resources, type SpiderMultusConfig } from '#api';
import { type ConfigNeighbours, defaultMultusConfig, multusConfigIssues } from './admission.ts';
import { renderDefinition } from './definition.ts';

/** The object as the API server stores it, with the defaults of the CRD. A spec that the CRD refuses stays as it is. */
export function configObject(
  spec: object | undefined,
  metadata: Partial<SpiderMultusConfig['metadata']> = {},
): SpiderMultusConfig {
  const object = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'net', namespace: 'apps', uid: 'u1', generation: 3, ...metadata },
    ...(spec !== undefined && { spec }),
  };
  const { success, data } = resources.spiderMultusConfigs.schema.safeParse(object);
  return success ? data : (object as SpiderMultusConfig);
}

export const macvlan = { cniType: 'macvlan', macvlan: { master: ['eth0'] } };

/** The definition of an object that can be rendered. */
export function rendered(spec: object | undefined, annotations?: Record<string, string>) {
  const { definition, issues } = renderDefinition(
    configObject(spec, { ...(annotations !== undefined && { annotations }) }),
  );
  if (definition === undefined) throw new Error(JSON.stringify(issues));
  return definition;
}

/** The plugins of a rendered chain. */
export function plugins(spec: object, annotations?: Record<string, string>): Record<string, unknown>[] {
  const config = rendered(spec, annotations).spec?.config ?? '';
  return (JSON.parse(config) as { plugins: Record<string, unknown>[] }).plugins;
}

/** A spec of a type with a parent. */
export const parented = (cniType: string, part: object) => ({
  cniType,
  [cniType]: { master: ['eth0'], ...part },
});

const nobody: ConfigNeighbours = { multusConfigs: () => [], definitions: () => [] };

/** `field: text` of each issue. */
export function refusals(
  spec: object | undefined,
  annotations: Record<string, string> = {},
  neighbours: Partial<ConfigNeighbours> = {},
): string[] {
  const config = defaultMultusConfig(configObject(spec, { annotations }));
  return refusalsOf(config, neighbours);
}

/** The same for an object that passed the mutating step. */
export function refusalsOf(
  config: SpiderMultusConfig,
  neighbours: Partial<ConfigNeighbours> = {},
  old?: SpiderMultusConfig,
): string[] {
  const issues = multusConfigIssues(config, { ...nobody, ...neighbours }, old);
  return issues.map(({ field, message }) => `${field}: ${message}`);
}

/** The coordinator block of an object that says nothing of it, as Spiderpool's webhook completes it. */
export const completedCoordinator = {
  mode: 'auto',
  hijackCIDR: [],
  policyRoutes: [],
  vethLinkAddress: '',
  podMACPrefix: '',
  podDefaultRouteNIC: '',
  podRPFilter: 0,
  tunePodRoutes: true,
  hostRuleTable: 500,
  txQueueLen: 0,
};
