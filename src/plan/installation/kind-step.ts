// What a starting controller does with one CustomResourceDefinition of its version.

import { type CustomResourceDefinition, resources } from '#api';
import { isOlder } from './version.ts';

/** The version of Orbweaver that applied a CustomResourceDefinition, in its annotations. */
export const VERSION_ANNOTATION = 'orbweaver.io/version';

/**
 * - `apply`: the server gets the definition of this version.
 * - `keep-newer`: a newer version applied it. Its objects may have fields that this version does not know.
 * - `keep-foreign`: the kind belongs to another project, which has installed it.
 */
export type KindStep = 'apply' | 'keep-newer' | 'keep-foreign';

/** @param installed what the server has; undefined if it has none */
export function kindStep(
  installed: Pick<CustomResourceDefinition, 'metadata' | 'spec'> | undefined,
  version: string,
): KindStep {
  if (installed === undefined) return 'apply';
  const appliedBy = installed.metadata.annotations?.[VERSION_ANNOTATION];
  if (appliedBy === undefined) return isForeign(installed) ? 'keep-foreign' : 'apply';
  return isOlder(version, appliedBy) ? 'keep-newer' : 'apply';
}

/** The kind of Multus. We install it only where Multus did not. */
function isForeign({ spec }: Pick<CustomResourceDefinition, 'spec'>): boolean {
  return spec.group === resources.networkAttachmentDefinitions.group;
}

/** The definition with the mark of the version that applies it. */
export function marked(definition: CustomResourceDefinition, version: string): CustomResourceDefinition {
  const { metadata } = definition;
  const annotations = { ...metadata.annotations, [VERSION_ANNOTATION]: version };
  return { ...definition, metadata: { ...metadata, annotations } };
}

/** Whether the API server serves the kind. */
export function isEstablished({ status }: CustomResourceDefinition): boolean {
  return (status?.conditions ?? []).some(({ type, status: is }) => type === 'Established' && is === 'True');
}
