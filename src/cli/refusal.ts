// The message for a command line that is refused.

import { ArgumentScannerError, formatMessageForArgumentScannerError } from '@stricli/core';
import { didYouMean, errorText } from '#base';

/** `words` are command names that may be omitted. An unexpected word may be a wrong spelling of one of them. */
export function refusal(error: unknown, words: readonly string[]): string {
  if (!(error instanceof ArgumentScannerError)) return errorText(error);
  return formatMessageForArgumentScannerError(error, {
    ArgumentParseError: ({ exception }) => errorText(exception),
    UnexpectedPositionalError: ({ input }) =>
      `unexpected argument ${JSON.stringify(input)}${didYouMean(input, words)}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `an argument is missing: ${placeholder}`,
  });
}
