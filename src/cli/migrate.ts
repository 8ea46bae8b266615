// `orbctl migrate`: from Spiderpool to Orbweaver in a running cluster, and back.

import { buildCommand } from '@stricli/core';
import { OrbError } from '#base';
import { wholeNumber } from '#program';
import type { Context } from './context.ts';

/** What is done: exactly one of the three options. */
export type MigrateAction = 'dry-run' | 'apply' | 'back';

/** The options of `orbctl migrate`. */
export interface MigrateFlags {
  readonly from: 'spiderpool';
  readonly action: MigrateAction;
  readonly output: 'text' | 'json' | 'values';
  readonly timeoutSeconds: number;
}

/** Does the work of the command. It resolves with the exit code. */
export interface MigrateCommands {
  migrate(flags: MigrateFlags): Promise<number>;
}

interface Given {
  readonly from: 'spiderpool';
  readonly dryRun: boolean;
  readonly apply: boolean;
  readonly back: boolean;
  readonly output: MigrateFlags['output'];
  readonly timeout: number;
}

type Here = Context<MigrateCommands>;

const LONGEST_TIMEOUT_SECONDS = 86_400;

export const migrate = buildCommand<Given, [], Here>({
  docs: {
    brief:
      'Moves a cluster from Spiderpool to Orbweaver, and back: orbctl migrate --from spiderpool --dry-run',
    fullDescription: [
      '--dry-run changes nothing: it says what Spiderpool has in the cluster, what becomes of each of its settings, what stands',
      "in the way, and the steps. With --output values it prints the values for Orbweaver's chart.",
      '--apply puts the programs of Spiderpool to sleep and wakes those of Orbweaver, where they are installed. --back does the',
      'opposite. Both can be repeated at any time, and delete nothing. Pods that run keep their network (docs/migration.md).',
      'Exit codes: 0 done, or nothing stands in the way; 1 something does, and nothing was changed; 2 the API server does not',
      'answer, the cluster has no Spiderpool, a step was not done in time, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      from: { kind: 'enum', values: ['spiderpool'], brief: 'What the cluster has now' },
      dryRun: { kind: 'boolean', default: false, withNegated: false, brief: 'Change nothing' },
      apply: { kind: 'boolean', default: false, withNegated: false, brief: 'From Spiderpool to Orbweaver' },
      back: { kind: 'boolean', default: false, withNegated: false, brief: 'From Orbweaver to Spiderpool' },
      output: {
        kind: 'enum',
        values: ['text', 'json', 'values'],
        default: 'text',
        brief: 'How --dry-run answers; values: a file for helm',
      },
      timeout: {
        kind: 'parsed',
        parse: seconds,
        default: '180',
        placeholder: 'SECONDS',
        brief: 'How long pods may take to end or to become ready',
      },
    },
    aliases: { o: 'output' },
  },
  async func({ from, output, timeout: timeoutSeconds, ...given }) {
    const action = actionOf(given);
    this.process.exitCode = await this.commands.migrate({ from, action, output, timeoutSeconds });
  },
});

function actionOf({ dryRun, apply, back }: Pick<Given, 'dryRun' | 'apply' | 'back'>): MigrateAction {
  const [action, ...others] = [
    ...(dryRun ? (['dry-run'] as const) : []),
    ...(apply ? (['apply'] as const) : []),
    ...(back ? (['back'] as const) : []),
  ];
  if (action !== undefined && others.length === 0) return action;
  throw new OrbError('INPUT_INVALID', { message: 'give one of --dry-run, --apply and --back' });
}

function seconds(input: string): number {
  return wholeNumber('--timeout', input, 1, LONGEST_TIMEOUT_SECONDS);
}
