// The regular expressions of schemas. They are Go's upstream and JavaScript's here: what both understand means the same.

/** Compiles a pattern; throws a SyntaxError for one that JavaScript does not know. */
export function patternOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    // Go allows to escape punctuation that needs none (`\_`), which JavaScript does without "u" only.
    return new RegExp(pattern);
  }
}

/** Why a pattern cannot be used; undefined when it can. */
export function patternFault(pattern: string): string | undefined {
  try {
    patternOf(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
