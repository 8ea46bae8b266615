// `orbctl service`: what socket calls of this node make of Services.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, namespaceFlag, type OutputFormat, outputFlag, socketFlag, text } from './context.ts';

/** The options of `orbctl service`. */
export interface ServiceFlags {
  readonly output: OutputFormat;
  readonly socket: string;
}

export interface ServiceNameFlags extends ServiceFlags {
  readonly namespace?: string;
}

/** Does the work of the commands. Each resolves with the exit code: 1 if socket calls do not serve what was asked for. */
export interface ServiceCommands {
  serviceList(flags: ServiceNameFlags): Promise<number>;
  serviceBackends(flags: ServiceNameFlags, service: string): Promise<number>;
  serviceExplain(flags: ServiceFlags, place: string): Promise<number>;
}

type Here = Context<ServiceCommands>;

const CODES =
  'Exit CODES: 0 served; 1 not served in socket calls; 2 the agent does not answer, or the command line is wrong.';
const ASKS = 'Asks the agent of this node what the kernel knows.';

const list = buildCommand<ServiceNameFlags, [], Here>({
  docs: {
    brief: 'Shows the Services that socket calls of this node serve: orbctl service list',
    fullDescription: [
      ASKS,
      'With --namespace only Services of it are shown. Other Services, and other ports, go through kube-proxy.',
      CODES,
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag, namespace: namespaceFlag },
    aliases: { o: 'output', n: 'namespace' },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.serviceList(flags);
  },
});

const backends = buildCommand<ServiceNameFlags, [string], Here>({
  docs: {
    brief: 'Shows each endpoint of a Service and what it is used for: orbctl service backends SERVICE',
    fullDescription: [
      ASKS,
      'Says of each endpoint which sockets may speak with it, and why not all.',
      CODES,
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag, namespace: namespaceFlag },
    aliases: { o: 'output', n: 'namespace' },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'NAME or NAMESPACE/NAME', parse: text, placeholder: 'service' }],
    },
  },
  async func(flags, service) {
    this.process.exitCode = await this.commands.serviceBackends(flags, service);
  },
});

const explain = buildCommand<ServiceFlags, [string], Here>({
  docs: {
    brief: 'Says what happens to a connection to an address: orbctl service explain ADDRESS:PORT',
    fullDescription: [
      ASKS,
      'Says which Service has the address, and which backends a socket gets there. [fd00::1]:80 is one of IPv6.',
      CODES,
    ].join('\n'),
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag },
    aliases: { o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'ADDRESS:PORT', parse: text, placeholder: 'place' }],
    },
  },
  async func(flags, place) {
    this.process.exitCode = await this.commands.serviceExplain(flags, place);
  },
});

export const service = buildRouteMap<string, Here>({
  routes: { list, backends, explain },
  docs: { brief: 'Questions about Services in socket calls of this node' },
});
