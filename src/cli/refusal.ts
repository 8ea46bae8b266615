// What is said of a command line that is refused.

import { ArgumentScannerError, formatMessageForArgumentScannerError } from '@stricli/core';
import { didYouMean, errorText } from '#base';

/** `words` are those of commands that may also stand without one: what is unexpected there was perhaps one of them. */
export function refusal(error: unknown, words: readonly string[]): string {
  if (!(error instanceof ArgumentScannerError)) return errorText(error);
  return formatMessageForArgumentScannerError(error, {
    ArgumentParseError: ({ exception }) => errorText(exception),
    UnexpectedPositionalError: ({ input }) =>
      `unexpected argument ${JSON.stringify(input)}${didYouMean(input, words)}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `an argument is missing: ${placeholder}`,
  });
}
