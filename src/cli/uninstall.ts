// `orbctl uninstall`: takes Orbweaver off a cluster, and keeps kinds and the objects of users.

import { buildCommand } from '@stricli/core';
import { OrbError } from '#base';
import { type Context, installationFlag } from './context.ts';

/** The options of `orbctl uninstall`. */
export interface UninstallFlags {
  readonly dryRun: boolean;
  /** Where the controller and the agents run. */
  readonly namespace: string;
  /** How long it waits for pods that still have NICs, and then for each step, in seconds. */
  readonly wait: number;
}

/** Does the work of the command. It resolves with the exit code. */
export interface UninstallCommands {
  uninstall(flags: UninstallFlags): Promise<number>;
}

type Here = Context<UninstallCommands>;

const LONGEST_WAIT_SECONDS = 86_400;

export const uninstall = buildCommand<UninstallFlags, [], Here>({
  docs: {
    brief: 'Takes Orbweaver off the cluster: orbctl uninstall [--dry-run]',
    fullDescription: [
      'Waits until no pod has a NIC of ours, then removes webhooks, controller, what the agents keep on their nodes, the',
      'agents, finalizers, annotations of Nodes, and objects of the controller. Pools, networks and their kinds stay.',
      'It can be repeated: what is gone is gone. docs/uninstall.md says more. `helm uninstall` runs it first.',
      'Exit codes: 0 done; 1 pods still have NICs, or a node was not cleared; 2 the API server does not answer, or the',
      'command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      dryRun: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Remove nothing: say what would go',
      },
      namespace: installationFlag,
      wait: {
        kind: 'parsed',
        parse: seconds,
        default: '120',
        placeholder: 'SECONDS',
        brief: 'How long it waits for pods, and for each step',
      },
    },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.uninstall(flags);
  },
});

function seconds(input: string): number {
  const value = Number(input);
  if (/^\d+$/.test(input) && value <= LONGEST_WAIT_SECONDS) return value;
  const message = `${JSON.stringify(input)} is no number of seconds from 0 to ${LONGEST_WAIT_SECONDS}`;
  throw new OrbError('INPUT_INVALID', { message, subject: '--wait' });
}
