// `orbctl pool top`: how full the pools are, and who uses them most.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { wholeNumber } from '#program';
import { type Context, type OutputFormat, outputFlag, text } from './context.ts';

/** The options of `orbctl pool top`. */
export interface TopFlags {
  readonly output: OutputFormat;
  /** How many rows each table has, at most. JSON has all. */
  readonly limit: number;
}

/** What completion needs to know. */
export interface PoolNames {
  /** Names of the pools. Empty if the API server does not answer at once. */
  poolNames(): Promise<readonly string[]>;
}

/** Does the work of the command. It resolves with the exit code. */
export interface PoolCommands extends PoolNames {
  poolTop(flags: TopFlags, names: readonly string[]): Promise<number>;
}

type Here = Context<PoolCommands>;

/** Completes the name of a pool. */
export async function completePool(this: Context<PoolNames>, partial: string): Promise<string[]> {
  return (await this.commands.poolNames()).filter((name) => name.startsWith(partial));
}

const top = buildCommand<TopFlags, string[], Here>({
  docs: {
    brief: 'Shows how full the pools are, and who uses them most: orbctl pool top [POOL…]',
    fullDescription: [
      'Shows held and free addresses of each pool, the fullest first. Then the namespaces and applications whose pods hold',
      'the most addresses of these pools.',
      'Exit codes: 0 done; 2 the API server does not answer, a pool does not exist, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      output: outputFlag,
      limit: {
        kind: 'parsed',
        parse: (input) => wholeNumber('--limit', input, 1, 1_000_000),
        default: '10',
        placeholder: 'N',
        brief: 'How many rows each table has, at most',
      },
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'array',
      parameter: {
        brief: 'Only these pools',
        parse: text,
        placeholder: 'pool',
        proposeCompletions: completePool,
      },
    },
  },
  async func(flags, ...names) {
    this.process.exitCode = await this.commands.poolTop(flags, names);
  },
});

export const pool = buildRouteMap<string, Here>({
  routes: { top },
  docs: { brief: 'Questions about pools' },
});
