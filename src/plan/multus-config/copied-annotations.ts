// The annotations that are copied from a SpiderMultusConfig to its definition. The definition lists their keys. So a
// copied annotation can be removed again, and annotations of others stay.

/** The keys of copied annotations, separated by commas. No key has a comma. */
export const COPIED_ANNOTATION = 'multus.orbweaver.io/copied-annotations';

/** The annotations with the record of their keys. */
export function withRecord(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const keys = Object.keys(annotations).sort();
  return keys.length === 0 ? {} : { ...annotations, [COPIED_ANNOTATION]: keys.join(',') };
}

/** The keys that an earlier rendering copied. Empty for a definition that Spiderpool made. */
export function copiedKeys(annotations: Readonly<Record<string, string>>): string[] {
  return annotations[COPIED_ANNOTATION]?.split(',') ?? [];
}
