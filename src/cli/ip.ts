// `orbctl ip`: who holds an address, which addresses of a pool are free, and what is known of an address.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, type OutputFormat, outputFlag, text } from './context.ts';
import { completePool, type PoolNames } from './pool.ts';

/** The options of each command. */
interface Flags {
  readonly output: OutputFormat;
}

export type WhoFlags = Flags;
export type FreeFlags = Flags;
export type HistoryFlags = Flags;

/** Each function does the work of a command. It resolves with the exit code. */
export interface IpCommands extends PoolNames {
  ipWho(flags: WhoFlags, address: string): Promise<number>;
  ipFree(flags: FreeFlags, pool: string): Promise<number>;
  ipHistory(flags: HistoryFlags, address: string): Promise<number>;
}

type Here = Context<IpCommands>;

const addressArgument = {
  kind: 'tuple',
  parameters: [{ brief: 'IPv4 or IPv6 address', parse: text, placeholder: 'address' }],
} as const;

const who = buildCommand<WhoFlags, [string], Here>({
  docs: {
    brief: 'Says who holds an address: orbctl ip who ADDRESS',
    fullDescription: [
      'Names each pool with the address in its subnet, and the state there: held, free, quarantined (another machine uses',
      'it), reserved, excluded, unusable or outside (not in the ranges of the pool). For a held address: pod, UID and NIC,',
      'and whether that pod is there.',
      'Exit codes: 0 done; 2 the API server does not answer, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: addressArgument,
  },
  async func(flags, address) {
    this.process.exitCode = await this.commands.ipWho(flags, address);
  },
});

const free = buildCommand<FreeFlags, [string], Here>({
  docs: {
    brief: 'Says which addresses of a pool are free, and why the others are not: orbctl ip free POOL',
    fullDescription: [
      'Counts the addresses of a pool by state: free, held, kept (for the next pod of a fixed name), left (by a pod that is',
      'gone), quarantined (another machine uses it), reserved, excluded and unusable.',
      'Exit codes: 0 a pod can get an address; 1 none is free, or the pool is closed; 2 the API server does not answer, the',
      'pool cannot be read, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'Name of a SpiderIPPool',
          parse: text,
          placeholder: 'pool',
          proposeCompletions: completePool,
        },
      ],
    },
  },
  async func(flags, pool) {
    this.process.exitCode = await this.commands.ipFree(flags, pool);
  },
});

const history = buildCommand<HistoryFlags, [string], Here>({
  docs: {
    brief: 'Tells what the cluster still knows of an address: orbctl ip history ADDRESS',
    fullDescription: [
      'Shows the present holder, then pods, SpiderEndpoints and Events that name the address, the oldest first. Nothing',
      'stores earlier holders, so the answer says what it cannot know.',
      'Exit codes: 0 something is known; 1 nothing is; 2 the API server does not answer, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: addressArgument,
  },
  async func(flags, address) {
    this.process.exitCode = await this.commands.ipHistory(flags, address);
  },
});

export const ip = buildRouteMap<string, Here>({
  routes: { who, free, history },
  docs: { brief: 'Questions about addresses' },
});
