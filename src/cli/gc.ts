// `orbctl gc`: explains the verdict on every recorded address, and frees those that nobody holds.

import { buildCommand } from '@stricli/core';
import { type Context, installationFlag, type OutputFormat, outputFlag } from './context.ts';

/** The options of `orbctl gc`. */
export interface GcFlags {
  readonly dryRun: boolean;
  /** Where the controller and the agents run. */
  readonly namespace: string;
  readonly output: OutputFormat;
}

/** Does the work of the command. It resolves with the exit code. */
export interface GcCommands {
  gc(flags: GcFlags): Promise<number>;
}

type Here = Context<GcCommands>;

export const gc = buildCommand<GcFlags, [], Here>({
  docs: {
    brief: 'Frees addresses that nobody holds, and says why: orbctl gc [--dry-run]',
    fullDescription: [
      'Names pool, address, holder, verdict, reason and since when, for every address that a pool records. SANDBOX is what',
      'the agent of the node says of the pod: alive, gone or unknown; the leading controller asks it. Frees what the',
      "table of docs/controller.md allows, by the controller's standard settings. Everything is read from the API server just",
      'before. An address that has to wait is left to the controller, which knows since when its pod is gone.',
      'Exit codes: 0 done; 2 the API server does not answer, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      dryRun: { kind: 'boolean', default: false, withNegated: false, brief: 'Free nothing' },
      namespace: installationFlag,
      output: outputFlag,
    },
    aliases: { o: 'output' },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.gc(flags);
  },
});
