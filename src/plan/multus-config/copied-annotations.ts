// The annotations that a definition has from its SpiderMultusConfig. The definition itself says which they are, so that
// one that is removed there is removed here, and one of somebody else stays.

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
