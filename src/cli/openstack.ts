// `orbctl openstack check`: whether the cloud lets pods of this node have addresses. `orbctl openstack sweep`: what this
// cluster has in the cloud.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { type Context, installationFlag, jsonFlag, stateFlag, text } from './context.ts';

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
  /** Whether routers are compared with what the controller of the cluster has added. */
  readonly cluster: boolean;
  /** Where the controller runs. */
  readonly namespace: string;
  /** The agent's folder of records. */
  readonly state: string;
  readonly json: boolean;
}

/** The options of `orbctl openstack sweep`. */
export interface OpenStackSweepFlags {
  /** An entry of clouds.yaml. */
  readonly cloud?: string;
  /** Where the controller and the agents ran. */
  readonly namespace: string;
  readonly apply: boolean;
  /** Also what Neutron does not show. */
  readonly forget: boolean;
}

/** Does the work of the commands. Each resolves with the exit code. */
export interface OpenStackCommands {
  openstackCheck(flags: OpenStackCheckFlags): Promise<number>;
  openstackSweep(flags: OpenStackSweepFlags): Promise<number>;
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
      cluster: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Compare routers with what the controller added, by KUBECONFIG',
      },
      namespace: installationFlag,
      state: stateFlag,
      json: jsonFlag,
    },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.openstackCheck(flags);
  },
});

const sweep = buildCommand<OpenStackSweepFlags, [], Here>({
  docs: {
    customUsage: ['[--cloud NAME] [--apply] [--forget] [--namespace NAME]'],
    brief: 'Removes what this cluster has in the cloud: orbctl openstack sweep [--apply]',
    fullDescription: [
      'Lists the routes and floating IPs that the controller of this cluster has in OpenStack, by the ConfigMaps in which it',
      'writes them down, and the ports that reserve addresses for nobody any more. With --apply it removes them. It touches',
      'nothing of others. What fails stops nothing else. It names ports of nodes that still have addresses of pods: agents',
      'remove those. Run orbctl uninstall first. The cloud is named as for openstack check, the cluster by KUBECONFIG.',
      'docs/openstack-routes.md says more.',
      'Exit codes: 0 nothing is left; 1 something is there; 2 the cluster or the cloud cannot be asked, or the command line is',
      'wrong.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      cloud: { ...optional, placeholder: 'NAME', brief: 'Entry of clouds.yaml' },
      namespace: installationFlag,
      apply: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Remove it. Otherwise only list it',
      },
      forget: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Also forget what Neutron does not show to this login',
      },
    },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.openstackSweep(flags);
  },
});

export const openstack = buildRouteMap({
  routes: { check, sweep },
  docs: {
    brief: 'A node as a VM of OpenStack, and what the cluster has there: openstack check, openstack sweep',
  },
});
