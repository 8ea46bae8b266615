// `orbctl ip who ADDRESS`: who holds an address.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, type OutputFormat, outputFlag, text } from './context.ts';

/** The options of `orbctl ip who`. */
export interface WhoFlags {
  readonly output: OutputFormat;
}

/** Does the work of the command. It resolves with the exit code. */
export interface IpCommands {
  ipWho(flags: WhoFlags, address: string): Promise<number>;
}

type Here = Context<IpCommands>;

const who = buildCommand<WhoFlags, [string], Here>({
  docs: {
    brief: 'Says who holds an address: orbctl ip who ADDRESS',
    fullDescription: [
      'Names each pool with the address in its subnet, and the state there: held, free, reserved, excluded, unusable or',
      'outside (not in the ranges of the pool). For a held address: pod, UID and NIC, and whether that pod is there.',
      'Exit codes: 0 done; 2 the API server does not answer, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'IPv4 or IPv6 address', parse: text, placeholder: 'address' }],
    },
  },
  async func(flags, address) {
    this.process.exitCode = await this.commands.ipWho(flags, address);
  },
});

export const ip = buildRouteMap<string, Here>({
  routes: { who },
  docs: { brief: 'Questions about addresses' },
});
