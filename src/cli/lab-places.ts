// `orbctl lab exec` runs commands in the places of running labs; `orbctl lab ls` lists these places.

import { buildCommand } from '@stricli/core';
import { type Context, jsonFlag, namespaceFlag, text } from './context.ts';

/** The options of `orbctl lab exec`, without the command. */
export interface LabExecFlags {
  readonly namespace?: string;
}

/** The options of `orbctl lab ls`. */
export interface LabListFlags extends LabExecFlags {
  readonly json: boolean;
}

/** What completion needs to know. */
export interface PlaceNames {
  /** Names of all places of the running labs. */
  placeNames(): readonly string[];
}

/** Each function resolves with the exit code. */
export interface LabPlaceCommands extends PlaceNames {
  /** `target` is a pod, a node, `router`, `client` or `branch`. */
  labExec(flags: LabExecFlags, target: string, argv: readonly string[]): Promise<number>;
  labList(flags: LabListFlags): Promise<number>;
}

type Here = Context<LabPlaceCommands>;

/** Completes the name of a place. */
export function completePlace(this: Context<PlaceNames>, partial: string): string[] {
  return this.commands.placeNames().filter((name) => name.startsWith(partial));
}

export const labExec = buildCommand<LabExecFlags, string[], Here>({
  docs: {
    brief:
      'Runs a command in a pod, on a node, in "router", "client" or "branch": orbctl lab exec POD -- ip route',
  },
  parameters: {
    flags: { namespace: namespaceFlag },
    aliases: { n: 'namespace' },
    positional: {
      kind: 'array',
      minimum: 2,
      parameter: {
        brief: 'The place, then the command and its arguments',
        parse: text,
        placeholder: 'PLACE COMMAND',
        proposeCompletions: completePlace,
      },
    },
  },
  async func(flags, target = '', ...argv) {
    this.process.exitCode = await this.commands.labExec(flags, target, argv);
  },
});

export const labList = buildCommand<LabListFlags, [], Here>({
  docs: { brief: 'Lists the labs of this machine with their nodes and pods' },
  parameters: { flags: { namespace: namespaceFlag, json: jsonFlag }, aliases: { n: 'namespace' } },
  async func(flags) {
    this.process.exitCode = await this.commands.labList(flags);
  },
});
