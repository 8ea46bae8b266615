// `orbctl netns`: the network namespaces of this node's containers, and commands in them.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, jsonFlag, namespaceFlag, stateFlag, text } from './context.ts';

/** Where the agent keeps its records. */
interface NetnsFlags {
  readonly namespace?: string;
  readonly state: string;
}

/** The options of `orbctl netns list`. */
export interface NetnsListFlags extends NetnsFlags {
  readonly json: boolean;
}

/** The options of `orbctl netns exec`, without the command. */
export type NetnsExecFlags = NetnsFlags;

/** Each function resolves with the exit code. */
export interface NetnsCommands {
  netnsList(flags: NetnsListFlags): Promise<number>;
  /** `place` is a process id, or a pod. */
  netnsExec(flags: NetnsExecFlags, place: string, argv: readonly string[]): Promise<number>;
}

type Here = Context<NetnsCommands>;

const list = buildCommand<NetnsListFlags, [], Here>({
  docs: {
    brief: 'Lists the network namespaces of containers by process and pod: orbctl netns list',
    fullDescription: [
      'Reads /proc, and the records of the agent. Needs neither the agent, nor the API server, nor links in /var/run/netns.',
      'A pod is named if Orbweaver has given it a NIC or an address.',
    ].join('\n'),
  },
  parameters: {
    flags: { namespace: namespaceFlag, state: stateFlag, json: jsonFlag },
    aliases: { n: 'namespace' },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.netnsList(flags);
  },
});

const exec = buildCommand<NetnsExecFlags, string[], Here>({
  docs: {
    brief: 'Runs a command in the network of a process or pod: orbctl netns exec PID -- ip address',
    fullDescription: [
      'Only the network is that of the container: programs and files are those of this machine. Ends with the exit code of',
      'the command. A pod is NAME or NAMESPACE/NAME, as `orbctl netns list` shows it.',
    ].join('\n'),
  },
  parameters: {
    flags: { namespace: namespaceFlag, state: stateFlag },
    aliases: { n: 'namespace' },
    positional: {
      kind: 'array',
      minimum: 2,
      parameter: {
        brief: 'The process or pod, then the command and its arguments',
        parse: text,
        placeholder: 'PID|POD COMMAND',
      },
    },
  },
  async func(flags, place = '', ...argv) {
    this.process.exitCode = await this.commands.netnsExec(flags, place, argv);
  },
});

export const netns = buildRouteMap({
  routes: { list, exec },
  docs: { brief: "The network namespaces of this node's containers: netns list, netns exec" },
});
