// What every command gets from stricli: the streams of the process, and the functions that do the work, which are passed in.

import type { CommandContext, StricliProcess } from '@stricli/core';

/** `this` of a command. Each command's file lists in `Doings` the functions that it calls. */
export interface Context<Doings> extends CommandContext {
  readonly process: StricliProcess;
  readonly commands: Doings;
}

/** The parser of a flag or argument that accepts any text. */
export const text = (input: string): string => input;

/** `-n`, with `aliases: { n: 'namespace' }`. */
export const namespaceFlag = {
  kind: 'parsed',
  parse: text,
  optional: true,
  placeholder: 'NAME',
  brief: 'Namespace of names without a namespace',
} as const;

export const jsonFlag = { kind: 'boolean', default: false, withNegated: false, brief: 'As JSON' } as const;

export type OutputFormat = 'text' | 'json';

/** `-o json`, with `aliases: { o: 'output' }`. */
export const outputFlag = {
  kind: 'enum',
  values: ['text', 'json'],
  default: 'text',
  brief: 'How the answer is printed',
} as const;
