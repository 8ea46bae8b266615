// `orbctl migrate`: from Spiderpool, Whereabouts or host-local to Orbweaver in a running cluster, and back.

import { buildCommand } from '@stricli/core';
import { OrbError } from '#base';
import { type ImportSource, importSources } from '#plan/import';
import { wholeNumber } from '#program';
import { type Context, text } from './context.ts';

/** What is done: exactly one of the three options. */
export type MigrateAction = 'dry-run' | 'apply' | 'back';

/** The options of `orbctl migrate`. */
export interface MigrateFlags {
  readonly from: 'spiderpool' | ImportSource;
  readonly action: MigrateAction;
  readonly output: 'text' | 'json' | 'values';
  /** How long pods may take to end or to become ready. Only from Spiderpool. */
  readonly timeoutSeconds: number;
  /** `NODE=FOLDER`: copies of host-local's folders. */
  readonly data: readonly string[];
  /** How long an ADD may take that read the old configuration. Not from Spiderpool. */
  readonly settleSeconds: number;
}

/** Does the work of the command. It resolves with the exit code. */
export interface MigrateCommands {
  migrate(flags: MigrateFlags): Promise<number>;
}

interface Given {
  readonly from: MigrateFlags['from'];
  readonly dryRun: boolean;
  readonly apply: boolean;
  readonly back: boolean;
  readonly output: MigrateFlags['output'];
  readonly timeout: number;
  readonly data?: readonly string[];
  readonly settle: number;
}

type Here = Context<MigrateCommands>;

const LONGEST_TIMEOUT_SECONDS = 86_400;

const command = buildCommand<Given, [], Here>({
  docs: {
    brief:
      'Moves a cluster from another IPAM to Orbweaver, and back: orbctl migrate --from spiderpool --dry-run',
    customUsage: [
      '--from spiderpool (--dry-run|--apply|--back) [-o text|json|values] [--timeout SECONDS]',
      '--from whereabouts (--dry-run|--apply|--back) [-o text|json] [--settle SECONDS]',
      '--from host-local (--dry-run|--apply|--back) [-o text|json] [--settle SECONDS] [--data NODE=FOLDER]...',
    ],
    fullDescription: [
      '--dry-run changes nothing: it says what the cluster has, what becomes of it, and what stands in the way. With',
      "--output values, it prints the values for Orbweaver's chart, from Spiderpool.",
      'From Spiderpool, --apply puts its programs to sleep and wakes those of Orbweaver, where they are installed. From',
      'Whereabouts and host-local, it makes pools with the addresses that pods have, and switches their networks to them.',
      '--back does the opposite. Both can be repeated at any time, and delete nothing. Pods that run keep their network',
      '(docs/migration.md, docs/import.md).',
      'Exit codes: 0 done, or nothing stands in the way; 1 something does; 2 the API server does not answer, the cluster has',
      'nothing of the program, a step was not done in time, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      from: { kind: 'enum', values: ['spiderpool', ...importSources], brief: 'What the cluster has now' },
      dryRun: { kind: 'boolean', default: false, withNegated: false, brief: 'Change nothing' },
      apply: { kind: 'boolean', default: false, withNegated: false, brief: 'Move to Orbweaver' },
      back: { kind: 'boolean', default: false, withNegated: false, brief: 'Move back' },
      output: {
        kind: 'enum',
        values: ['text', 'json', 'values'],
        default: 'text',
        brief: 'How --dry-run answers; values: for helm',
      },
      timeout: {
        kind: 'parsed',
        parse: seconds,
        default: '180',
        placeholder: 'SECONDS',
        brief: 'How long pods may take to end or be ready',
      },
      data: {
        kind: 'parsed',
        parse: text,
        variadic: true,
        optional: true,
        placeholder: 'NODE=FOLDER',
        brief: 'From host-local: a copy of its folder of a node',
      },
      settle: {
        kind: 'parsed',
        parse: settleSeconds,
        default: '120',
        placeholder: 'SECONDS',
        brief: 'How long a pod may still get an old address',
      },
    },
    aliases: { o: 'output' },
  },
  async func({ from, output, timeout, settle, data = [], ...given }) {
    const flags = { from, output, data, timeoutSeconds: timeout, settleSeconds: settle };
    this.process.exitCode = await this.commands.migrate({ ...flags, action: actionOf(given) });
  },
});

/** The options of all three are too long for the line in the list of commands. */
export const migrate: typeof command = {
  ...command,
  formatUsageLine: ({ prefix }) => `${prefix.join(' ')} --from PROGRAM (--dry-run|--apply|--back) ...`,
};

function actionOf({ dryRun, apply, back }: Pick<Given, 'dryRun' | 'apply' | 'back'>): MigrateAction {
  const [action, ...others] = [
    ...(dryRun ? (['dry-run'] as const) : []),
    ...(apply ? (['apply'] as const) : []),
    ...(back ? (['back'] as const) : []),
  ];
  if (action !== undefined && others.length === 0) return action;
  throw new OrbError('INPUT_INVALID', { message: 'give one of --dry-run, --apply and --back' });
}

function settleSeconds(input: string): number {
  return wholeNumber('--settle', input, 0, LONGEST_TIMEOUT_SECONDS);
}

function seconds(input: string): number {
  return wholeNumber('--timeout', input, 1, LONGEST_TIMEOUT_SECONDS);
}
