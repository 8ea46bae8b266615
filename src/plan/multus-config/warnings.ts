// What admission tells the author of a SpiderMultusConfig that it accepts.

import { parseNetConfList, resources, type SpiderMultusConfig } from '#api';
import { problemOf } from './chain-issues.ts';
import { definitionName } from './names.ts';
import { hasIpam, partFieldOf, poolsOf, type Spec } from './spec.ts';
import { unknownFields, unknownFieldsText } from './unknown-fields.ts';

/** One sentence for each thing that will not do what the author may expect. */
export function multusConfigWarnings(config: SpiderMultusConfig): string[] {
  const { spec } = config;
  if (spec === undefined) return [];
  const unknown = unknownFieldsText(unknownFields(resources.spiderMultusConfigs, spec));
  return [unknown, overriddenText(spec), masterSubnetText(spec), customText(config, spec)].filter(
    (text) => text !== undefined,
  );
}

function overriddenText(spec: Spec): string | undefined {
  if (!spec.disableIPAM || !hasIpam(spec)) return undefined;
  return 'spec.disableIPAM true has no effect, because spec.ipam.enabled is true';
}

/** Types on a parent interface are refused instead, as in Spiderpool. */
function masterSubnetText(spec: Spec): string | undefined {
  if (spec.cniType === 'sriov' || !poolsOf(spec)?.matchMasterSubnet) return undefined;
  return `spec.${partFieldOf(spec.cniType)}.ippools.matchMasterSubnet has no effect: only sriov has it`;
}

/** Any JSON is admitted, as in Spiderpool, but Multus needs a configuration. */
function customText(config: SpiderMultusConfig, { cniType, customCNI }: Spec): string | undefined {
  if (cniType !== 'custom' || !customCNI) return undefined;
  const problem = problemOf(() =>
    parseNetConfList(customCNI, { subject: 'spec.customCNI', defaultName: definitionName(config) }),
  );
  return problem === undefined ? undefined : `Multus cannot use this configuration: ${problem}`;
}
