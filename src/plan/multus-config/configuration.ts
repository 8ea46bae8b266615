// The text of the CNI configuration: the chain of plugins in Spiderpool's order.

import type { SpiderMultusConfig } from '#api';
import { coordinatorPlugin } from './coordinator-plugin.ts';
import { mainPlugin } from './main-plugin.ts';
import { cniVersion, configName } from './names.ts';
import { ifacerPlugin } from './parent.ts';
import { parentedPart, type Spec } from './spec.ts';

/**
 * The value of `spec.config`. Undefined if there is none: Multus then looks for a file with the name of the definition.
 */
export function configurationText(
  config: Pick<SpiderMultusConfig, 'metadata'>,
  spec: Spec,
): string | undefined {
  if (spec.cniType === 'custom') return spec.customCNI || undefined;
  const version = JSON.stringify(cniVersion(config));
  const name = JSON.stringify(configName(config));
  return `{"cniVersion":${version},"name":${name},"plugins":[${pluginTexts(spec).join(',')}]}`;
}

/** The user's own plugins stay as they are written. Parsing would change large numbers in them. */
function pluginTexts(spec: Spec): string[] {
  const part = parentedPart(spec);
  const { sriov, chainCNIJsonData = [] } = spec;
  return [
    ...texts(part && ifacerPlugin(spec, part), mainPlugin(spec)),
    ...texts(isRdmaIsolated(spec) ? { type: 'rdma' } : undefined),
    ...chainCNIJsonData.map((text) => text.trim()),
    ...texts(spec.enableCoordinator ? coordinatorPlugin(spec) : undefined),
    ...texts(spec.cniType === 'sriov' && sriov?.mtu ? { type: 'tuning', mtu: sriov.mtu } : undefined),
  ];
}

/** The ib-sriov plugin moves the RDMA device itself. */
function isRdmaIsolated({ cniType, sriov }: Spec): boolean {
  return cniType === 'sriov' && sriov?.rdmaIsolation === true;
}

function texts(...plugins: (object | undefined)[]): string[] {
  return plugins.filter((plugin) => plugin !== undefined).map((plugin) => JSON.stringify(plugin));
}
