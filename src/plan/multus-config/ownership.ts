// Who manages a NetworkAttachmentDefinition.

import {
  type NetworkAttachmentDefinition,
  type OwnerReference,
  resources,
  type SpiderMultusConfig,
} from '#api';

const { group, kind } = resources.spiderMultusConfigs;

/** Whether an owner is a SpiderMultusConfig. */
export function isConfig(owner: { readonly kind: string }): boolean {
  return owner.kind === kind;
}

/**
 * The owner that forbids `config` to write a definition: another SpiderMultusConfig, or any other managing controller.
 * An owner with the name of `config` and another UID is an earlier object of that name, which is gone.
 */
export function foreignOwner(
  { metadata }: NetworkAttachmentDefinition,
  config: SpiderMultusConfig,
): OwnerReference | undefined {
  return metadata.ownerReferences?.find((owner) => {
    if (ownsByName(owner, config)) return false;
    return owner.controller === true || isOfOurGroup(owner);
  });
}

/** Whether the owner has the kind and name of `config`, whatever its UID. */
export function ownsByName(owner: OwnerReference, config: SpiderMultusConfig): boolean {
  return isOfOurGroup(owner) && owner.name === config.metadata.name;
}

function isOfOurGroup(owner: OwnerReference): boolean {
  return isConfig(owner) && owner.apiVersion.startsWith(`${group}/`);
}
