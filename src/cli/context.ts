// What every command gets from stricli: the process's streams, and what the command does, which is passed in.

import type { CommandContext, StricliProcess } from '@stricli/core';

/** `this` of a command; each command's file says in `Doings` what it calls. */
export interface Context<Doings> extends CommandContext {
  readonly process: StricliProcess;
  readonly commands: Doings;
}

/** The parser of a flag or argument that is any text. */
export const text = (input: string): string => input;

/** `-n`, with `aliases: { n: 'namespace' }`. */
export const namespaceFlag = {
  kind: 'parsed',
  parse: text,
  optional: true,
  placeholder: 'NAME',
  brief: 'Namespace of what is named without one',
} as const;

export const jsonFlag = { kind: 'boolean', default: false, withNegated: false, brief: 'As JSON' } as const;
