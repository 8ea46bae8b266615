// The regular expressions of schemas. Upstream uses those of Go, this server those of JavaScript.
// A pattern that both understand means the same in both.

/** Compiles a pattern; throws a SyntaxError for one that JavaScript does not know. */
export function patternOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    // Go allows an escape before punctuation that needs none (`\_`). JavaScript allows it only without the flag "u".
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
