// The one place that ends programs. All output arrives, a closed pipe is no error, and the program chooses the exit code.
//
// Node.js writes to a pipe in the background, so `process.exit` loses all but the 64 KiB that the pipe holds. When a reader such as `head`
// goes away, the program would end with a stack trace.

import { errorText, isOrbError } from '#base';
import { shownText } from './shown-text.ts';

/** The exit code when a question could not be answered, or something could not be done. A wrong command line is one such reason. */
export const TROUBLE = 2;

const closed = new AbortController();
let failure: Error | undefined;

/** Aborts when nobody reads our standard output any more. */
export const outputClosed: AbortSignal = closed.signal;

/**
 * Runs a program and ends the process with the exit code that it resolves with; none means 0. An error is written to standard error, and
 * the exit code is {@link TROUBLE}. When the reader of the output has gone, the program continues without output.
 */
export async function runToEnd(name: string, work: () => Promise<number | undefined>): Promise<never> {
  process.stdout.on('error', outputFailed);
  process.stderr.on('error', () => {}); // Nobody is left who could read it.
  let code: number;
  try {
    code = (await work()) ?? 0;
  } catch (error) {
    process.stderr.write(`${name}: ${shownText(explained(error))}\n`);
    code = TROUBLE;
  }
  return await endProgram(code, name);
}

function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') closed.abort();
  else failure ??= error;
}

/** What went wrong, and what the user can do if the message does not say it. */
export function explained(error: unknown): string {
  const advice = isOrbError(error) && error.code !== 'INPUT_INVALID' ? `\n${error.advice}` : '';
  return `${errorText(error)}${advice}`;
}

/** Ends this process when all its output has been read. It waits for a slow reader; a signal ends the wait. */
export async function endProgram(code: number, name = 'orbweaver'): Promise<never> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  await taken(process.stdout);
  if (failure !== undefined)
    process.stderr.write(`${name}: the output was not written: ${failure.message}\n`);
  await taken(process.stderr);
  return process.exit(failure === undefined || code !== 0 ? code : TROUBLE);
}

/** Resolves with the first of these signals. From then on they do not end the process, which shuts down in order. */
export function untilSignal(...signals: NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of signals) process.on(signal, resolve);
  });
}

/** Writes are done in order: when an empty one is done, all earlier ones are done too. */
function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
