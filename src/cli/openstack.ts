// `orbctl openstack check`: whether the cloud lets pods of this node have addresses.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, jsonFlag, text } from './context.ts';

/** The options of `orbctl openstack check`. */
export interface OpenStackCheckFlags {
  /** An entry of clouds.yaml. */
  readonly cloud?: string;
  /** Undefined: the NIC of the default route. */
  readonly interface?: string;
  readonly port?: string;
  readonly network?: string;
  readonly providerId?: string;
  /** The folder at which the config drive is mounted. */
  readonly configDrive?: string;
  /** CIDRs of pods. */
  readonly pods?: readonly string[];
  readonly json: boolean;
}

/** Does the work of the command. It resolves with the exit code. */
export interface OpenStackCommands {
  openstackCheck(flags: OpenStackCheckFlags): Promise<number>;
}

type Here = Context<OpenStackCommands>;

const optional = { kind: 'parsed', parse: text, optional: true } as const;

const check = buildCommand<OpenStackCheckFlags, [], Here>({
  docs: {
    customUsage: ['[--cloud NAME] [--interface NIC] [--pods CIDR] … [OPTION]…'],
    brief: 'Compares this node, a VM of OpenStack, with its port: orbctl openstack check',
    fullDescription: [
      'Logs in, finds which port and which VM this node is, and names what keeps pods from having addresses there, each with',
      'the command that mends it. It changes nothing. The cloud is named as for the program openstack: by --cloud, OS_CLOUD',
      'and clouds.yaml, or by OS_AUTH_URL and its companions. docs/openstack.md says more.',
      'Exit codes: 0 nothing found; 1 something to mend; 2 the cloud cannot be asked, it is not certain which port this node',
      'is, or the command line is wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      cloud: { ...optional, placeholder: 'NAME', brief: 'Entry of clouds.yaml' },
      interface: {
        ...optional,
        placeholder: 'NIC',
        brief: 'The NIC to look at, instead of that of the default route',
      },
      port: { ...optional, placeholder: 'ID', brief: "The NIC's port, if it is known" },
      network: { ...optional, placeholder: 'ID', brief: "The NIC's network, if ports of two networks match" },
      providerId: { ...optional, placeholder: 'ID', brief: "The Node's spec.providerID: openstack:///ID" },
      configDrive: { ...optional, placeholder: 'FOLDER', brief: 'Where the config drive is mounted' },
      pods: {
        kind: 'parsed',
        parse: text,
        optional: true,
        variadic: ',',
        placeholder: 'CIDR',
        brief: 'Networks of pods that need address pairs',
      },
      json: jsonFlag,
    },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.openstackCheck(flags);
  },
});

export const openstack = buildRouteMap({
  routes: { check },
  docs: { brief: 'Questions about this node as a VM of OpenStack: openstack check' },
});
