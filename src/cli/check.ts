// `orbctl check --node`: whether the pods of this node, and the node, are as planned; mends them with --repair.

import { buildCommand } from '@stricli/core';
import { OrbError } from '#base';
import { type Context, text } from './context.ts';

/** What `orbctl check` was asked for. */
export interface CheckFlags {
  readonly node: boolean;
  readonly repair: boolean;
  readonly json: boolean;
  readonly socket: string;
}

/** What the command does; it resolves with the exit code: 1 where something differs, 2 where the agent cannot be asked. */
export interface CheckCommands {
  check(flags: CheckFlags): Promise<number>;
}

type Here = Context<CheckCommands>;

export const check = buildCommand<CheckFlags, [], Here>({
  docs: {
    brief: 'Compares the pods of this node with their plans: orbctl check --node [--repair]',
    fullDescription: [
      'Asks the agent of this node, which holds the settings of the cluster and the records of the node. Names each object that is',
      'missing or different, by pod. Exit code: 0 no drift, or all of it mended; 1 drift; 2 the agent does not answer.',
    ].join(' '),
  },
  parameters: {
    flags: {
      node: { kind: 'boolean', default: false, brief: 'All pods of this node, and the node itself' },
      repair: { kind: 'boolean', default: false, brief: 'Mend what differs' },
      json: { kind: 'boolean', default: false, brief: 'Print the agent’s report as JSON' },
      socket: {
        kind: 'parsed',
        parse: text,
        default: '/run/orbweaver/agent.sock',
        brief: "The agent's socket",
      },
    },
  },
  async func(flags) {
    if (!flags.node) {
      throw new OrbError('INPUT_INVALID', { message: 'check: say --node for the pods of this node' });
    }
    this.process.exitCode = await this.commands.check(flags);
  },
});
