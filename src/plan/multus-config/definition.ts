// The NetworkAttachmentDefinition of a SpiderMultusConfig.

import { apiVersionOf, type NetworkAttachmentDefinition, resources, type SpiderMultusConfig } from '#api';
import type { AdmissionIssue } from '#plan/ipam';
import { configurationText } from './configuration.ts';
import { withRecord } from './copied-annotations.ts';
import { definitionName, RESOURCE_NAME_ANNOTATION } from './names.ts';
import { readConfig } from './read-config.ts';
import type { Spec } from './spec.ts';

/** kubectl's own record of another object: on the definition it would mislead the next `kubectl apply` of it. */
const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** The device plugin's prefix for bridges of Open vSwitch (ovs-cni). */
const OVS_RESOURCE_PREFIX = 'ovs-cni.network.kubevirt.io';

/** Either the definition, or why there is none. */
export type Rendering =
  | { readonly definition: NetworkAttachmentDefinition; readonly issues?: undefined }
  | { readonly definition?: undefined; readonly issues: readonly AdmissionIssue[] };

/**
 * Renders a stored SpiderMultusConfig. One that an older admission accepted and that makes no sense gives issues, and
 * never an exception.
 */
export function renderDefinition(stored: SpiderMultusConfig): Rendering {
  const { config: read, issues } = readConfig(stored);
  if (read === undefined) return { issues };
  const { metadata, spec } = read;
  const config = configurationText(read, spec);
  const annotations = definitionAnnotations(metadata.annotations, spec);
  const definition = {
    apiVersion: apiVersionOf(resources.networkAttachmentDefinitions),
    kind: resources.networkAttachmentDefinitions.kind,
    metadata: {
      name: definitionName(read),
      namespace: metadata.namespace,
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ownerReferences: [ownerReference(stored)],
    },
    spec: { ...(config !== undefined && { config }) },
  };
  return { definition };
}

/** The SpiderMultusConfig as the only controller of its definition: a deletion takes the definition along. */
function ownerReference({ metadata: { name = '', uid = '' } }: SpiderMultusConfig) {
  const { spiderMultusConfigs } = resources;
  return {
    apiVersion: apiVersionOf(spiderMultusConfigs),
    kind: spiderMultusConfigs.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** All annotations of the SpiderMultusConfig, and the device plugin's resource. */
function definitionAnnotations(
  own: Readonly<Record<string, string>> = {},
  spec: Spec,
): Record<string, string> {
  const { [LAST_APPLIED_ANNOTATION]: _, ...copied } = own;
  const resource = annotatedResource(spec);
  return withRecord({ ...copied, ...(resource !== undefined && { [RESOURCE_NAME_ANNOTATION]: resource }) });
}

function annotatedResource({ cniType, sriov, ibsriov, ovs }: Spec): string | undefined {
  if (cniType === 'sriov') return sriov?.resourceName;
  if (cniType === 'ib-sriov') return ibsriov?.resourceName;
  return cniType === 'ovs' && ovs?.deviceID ? `${OVS_RESOURCE_PREFIX}/${ovs.bridge}` : undefined;
}
