// Test files by the words of a command line.

import { OrbError } from '#base';

/** The files whose path holds one of the patterns, all without any; throws INPUT_INVALID where that is none of `what`. */
export function chosenFiles(files: readonly string[], patterns: readonly string[], what: string): string[] {
  const chosen = files.filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  );
  if (chosen.length > 0) return chosen;
  const message = `the path of no ${what} holds ${patterns.join(' or ')}`;
  throw new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
