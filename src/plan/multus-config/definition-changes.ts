// The write that gives a definition its wanted content. What others wrote into it stays.

import type { NetworkAttachmentDefinition, OwnerReference, SpiderMultusConfig } from '#api';
import { COPIED_ANNOTATION, copiedKeys } from './copied-annotations.ts';
import { foreignOwner, ownsByName } from './ownership.ts';

/** The next step for one definition. */
export type DefinitionChange =
  | { readonly verb: 'none' }
  | { readonly verb: 'create'; readonly definition: NetworkAttachmentDefinition }
  /**
   * A merge patch of the existing definition. It holds the fields that differ, and its resourceVersion. `takesOver`: the
   * definition had no owner. As with Spiderpool, it belongs to the SpiderMultusConfig that names it.
   */
  | { readonly verb: 'patch'; readonly body: Readonly<Record<string, unknown>>; readonly takesOver: boolean }
  /** The definition is being deleted. It is made anew when it is gone. */
  | { readonly verb: 'wait' }
  /** Somebody else manages the definition. */
  | { readonly verb: 'refuse'; readonly owner: OwnerReference };

/** Compares what the API has with what {@link renderDefinition} wants for `config`. */
export function definitionChanges(
  existing: NetworkAttachmentDefinition | undefined,
  wanted: NetworkAttachmentDefinition,
  config: SpiderMultusConfig,
): DefinitionChange {
  if (existing === undefined) return { verb: 'create', definition: wanted };
  const owner = foreignOwner(existing, config);
  if (owner !== undefined) return { verb: 'refuse', owner };
  if (existing.metadata.deletionTimestamp !== undefined) return { verb: 'wait' };
  const metadata = metadataChanges(existing, wanted, config);
  const spec = specChanges(existing, wanted);
  if (metadata === undefined && spec === undefined) return { verb: 'none' };
  const { resourceVersion, ownerReferences = [] } = existing.metadata;
  return {
    verb: 'patch',
    body: { metadata: { ...metadata, ...(resourceVersion && { resourceVersion }) }, ...(spec && { spec }) },
    takesOver: !ownerReferences.some((reference) => ownsByName(reference, config)),
  };
}

function metadataChanges(
  existing: NetworkAttachmentDefinition,
  wanted: NetworkAttachmentDefinition,
  config: SpiderMultusConfig,
): object | undefined {
  const annotations = annotationChanges(existing.metadata.annotations, wanted.metadata.annotations);
  const ownerReferences = ownerChanges(existing, wanted, config);
  if (annotations === undefined && ownerReferences === undefined) return undefined;
  return { ...(annotations && { annotations }), ...(ownerReferences && { ownerReferences }) };
}

/** null removes an annotation that an earlier rendering copied. */
function annotationChanges(
  existing: Readonly<Record<string, string>> = {},
  wanted: Readonly<Record<string, string>> = {},
): Record<string, string | null> | undefined {
  const stale = [...copiedKeys(existing), COPIED_ANNOTATION].filter(
    (key) => key in existing && !(key in wanted),
  );
  const changed = Object.entries(wanted).filter(([key, value]) => existing[key] !== value);
  if (stale.length + changed.length === 0) return undefined;
  return Object.fromEntries([...changed, ...stale.map((key) => [key, null] as const)]);
}

/** A patch replaces the whole list, so owners of others are repeated in it. */
function ownerChanges(
  { metadata: { ownerReferences = [] } }: NetworkAttachmentDefinition,
  { metadata: { ownerReferences: wanted = [] } }: NetworkAttachmentDefinition,
  config: SpiderMultusConfig,
): OwnerReference[] | undefined {
  const ours = ownerReferences.filter((owner) => ownsByName(owner, config));
  const [own] = wanted;
  const [present] = ours;
  if (ours.length === 1 && present?.uid === own?.uid && present?.controller === true) return undefined;
  return [...ownerReferences.filter((owner) => !ownsByName(owner, config)), ...wanted];
}

function specChanges(
  existing: NetworkAttachmentDefinition,
  wanted: NetworkAttachmentDefinition,
): object | undefined {
  const config = wanted.spec?.config;
  if ((existing.spec?.config || undefined) === config) return undefined;
  return { config: config ?? null };
}
