// `orbctl check`: compares this node and its pods with the plan, and repairs them with --repair.

import { buildCommand } from '@stricli/core';
import { type Context, jsonFlag, namespaceFlag, socketFlag } from './context.ts';

/** The options of `orbctl check`. */
export interface CheckFlags {
  /** The node is always checked: the flag selects nothing else yet. */
  readonly node?: boolean;
  readonly namespace?: string;
  readonly repair: boolean;
  readonly json: boolean;
  readonly socket: string;
}

/** Does the work of the command. It resolves with the exit code: 1 if something differs, 2 if the agent cannot be asked. */
export interface CheckCommands {
  check(flags: CheckFlags): Promise<number>;
}

type Here = Context<CheckCommands>;

export const check = buildCommand<CheckFlags, [], Here>({
  docs: {
    brief: 'Compares the pods of this node with their plans: orbctl check [--repair]',
    fullDescription: [
      'Asks the agent of this node, which has the settings of the cluster and the records of the node. Names each missing or',
      'different object, by pod. In a lab: orbctl lab exec node1 -- orbctl check',
      'Exit codes: 0 no drift, or all drift was repaired; 1 drift; 2 the agent does not answer, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      node: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'All pods of the node and the node itself; this is the default',
      },
      namespace: namespaceFlag,
      repair: { kind: 'boolean', default: false, withNegated: false, brief: 'Repair the differences' },
      json: jsonFlag,
      socket: socketFlag,
    },
    aliases: { n: 'namespace' },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.check(flags);
  },
});
