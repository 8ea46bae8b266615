// Selects test files by the words of a command line.

import { OrbError } from '#base';

/**
 * The files whose path contains one of the patterns, or all files without a pattern.
 * Throws INPUT_INVALID when a pattern matches none of `what`.
 */
export function chosenFiles(files: readonly string[], patterns: readonly string[], what: string): string[] {
  const chosen = files.filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  );
  if (chosen.length > 0) return chosen;
  const message = `no ${what} has a path with ${patterns.join(' or ')}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
