// What an object of our kinds needs before it can be deleted. Finalizers of other programs stay.

import { type KubeObject, SPIDERPOOL_FINALIZER } from '#api';

/** The body of a JSON merge patch (RFC 7386). */
type MergePatch = Readonly<Record<string, unknown>>;

/** Removes the finalizer that Spiderpool sets and that nobody else removes. Undefined if it is not set. */
export function withoutFinalizer(existing: KubeObject): MergePatch | undefined {
  const finalizers = existing.metadata.finalizers ?? [];
  if (!finalizers.includes(SPIDERPOOL_FINALIZER)) return undefined;
  return { metadata: { ...unchanged(existing), finalizers: foreignFinalizers(existing) } };
}

/** The finalizers of other programs. Those programs remove them when they are done. */
export function foreignFinalizers({ metadata }: KubeObject): string[] {
  return (metadata.finalizers ?? []).filter((finalizer) => finalizer !== SPIDERPOOL_FINALIZER);
}

/** Metadata of a patch that the server refuses with a conflict if the object is another one or was changed. */
export function unchanged({ metadata: { uid, resourceVersion } }: KubeObject): MergePatch {
  return {
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}
