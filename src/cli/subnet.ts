// `orbctl subnet tree`: subnets, their pools, and the applications of these.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, type OutputFormat, outputFlag, text } from './context.ts';

/** The options of `orbctl subnet tree`. */
export interface TreeFlags {
  readonly output: OutputFormat;
}

/** `subnetTree` does the work of the command. It resolves with the exit code. */
export interface SubnetCommands {
  /** Names of the SpiderSubnets, for completion. Empty if the API server does not answer at once. */
  subnetNames(): Promise<readonly string[]>;
  subnetTree(flags: TreeFlags, name: string | undefined): Promise<number>;
}

type Here = Context<SubnetCommands>;

async function completeSubnet(this: Here, partial: string): Promise<string[]> {
  return (await this.commands.subnetNames()).filter((name) => name.startsWith(partial));
}

const tree = buildCommand<TreeFlags, [string?], Here>({
  docs: {
    brief: 'Shows subnets with their pools and applications: orbctl subnet tree [SUBNET]',
    fullDescription: [
      'Shows each SpiderSubnet with its pools, the application of each automatic pool, and how many addresses each has.',
      'Pools of networks without a SpiderSubnet come last.',
      'Exit codes: 0 done; 2 the API server does not answer, the subnet does not exist, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'Only this SpiderSubnet',
          parse: text,
          placeholder: 'subnet',
          optional: true,
          proposeCompletions: completeSubnet,
        },
      ],
    },
  },
  async func(flags, name) {
    this.process.exitCode = await this.commands.subnetTree(flags, name);
  },
});

export const subnet = buildRouteMap<string, Here>({
  routes: { tree },
  docs: { brief: 'Questions about subnets' },
});
