// `orbctl check`: whether the pods of this node, and the node, are as planned; mends them with --repair.

import { buildCommand } from '@stricli/core';
import { type Context, jsonFlag, namespaceFlag, text } from './context.ts';

/** What `orbctl check` was asked for. */
export interface CheckFlags {
  /** What is checked anyway; there is nothing else to check yet. */
  readonly node?: boolean;
  readonly namespace?: string;
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
    brief: 'Compares the pods of this node with their plans: orbctl check [--repair]',
    fullDescription: [
      'Asks the agent of this node, which holds the settings of the cluster and the records of the node. Names each object that',
      'is missing or different, by pod. In a lab: orbctl lab exec node1 -- orbctl check',
      'Exit codes: 0 no drift, or all of it mended; 1 drift; 2 the agent does not answer, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      node: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'All pods of the node and the node itself: done anyway',
      },
      namespace: namespaceFlag,
      repair: { kind: 'boolean', default: false, withNegated: false, brief: 'Mend what differs' },
      json: jsonFlag,
      socket: {
        kind: 'parsed',
        parse: text,
        default: '/run/orbweaver/agent.sock',
        placeholder: 'FILE',
        brief: "The agent's socket",
      },
    },
    aliases: { n: 'namespace' },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.check(flags);
  },
});
