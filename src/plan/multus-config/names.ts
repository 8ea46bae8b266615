// The annotations of a SpiderMultusConfig that name its definition and the configuration in it.

import { type SpiderMultusConfig, supportedVersions } from '#api';

/** The name of the NetworkAttachmentDefinition. Without it, the definition has the name of the SpiderMultusConfig. */
export const DEFINITION_NAME_ANNOTATION = 'multus.spidernet.io/cr-name';
/** The version of the CNI specification in which the configuration is written. */
export const CNI_VERSION_ANNOTATION = 'multus.spidernet.io/cni-version';
/** The name inside the CNI configuration. If missing or empty, the configuration has the name of the definition. */
export const CONFIG_NAME_ANNOTATION = 'cni.spidernet.io/cniconfig-name';
/** The device plugin's resource of a network. Multus and the network resources injector read it. */
export const RESOURCE_NAME_ANNOTATION = 'k8s.v1.cni.cncf.io/resourceName';

/** Groups of networks whose resource the pod webhook injects. Each annotation is mirrored in a label. */
export const INJECT_RDMA_ANNOTATION = 'cni.spidernet.io/rdma-resource-inject';
export const INJECT_NETWORK_ANNOTATION = 'cni.spidernet.io/network-resource-inject';

/** Spiderpool's default. Our own plugins read newer versions too, but not all plugins in use do. */
const DEFAULT_CNI_VERSION = '0.3.1';

type Named = Pick<SpiderMultusConfig, 'metadata'>;

/** The name of the NetworkAttachmentDefinition of a SpiderMultusConfig, in its namespace. */
export function definitionName({ metadata }: Named): string {
  return metadata.annotations?.[DEFINITION_NAME_ANNOTATION] ?? metadata.name ?? '';
}

/** The value of cniVersion. */
export function cniVersion({ metadata }: Named): string {
  return metadata.annotations?.[CNI_VERSION_ANNOTATION] ?? DEFAULT_CNI_VERSION;
}

/** The value of `name` in the CNI configuration. */
export function configName(config: Named): string {
  return config.metadata.annotations?.[CONFIG_NAME_ANNOTATION] || definitionName(config);
}

/** Whether our plugins know this version of the CNI specification. */
export function isSupportedVersion(version: string): boolean {
  return supportedVersions.some((supported) => supported === version);
}
