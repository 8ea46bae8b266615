// The programs of the lab's cluster, in the form that the supervisor starts.

import { join } from 'node:path';
import { bothFamilies, serviceCidr } from './addressing.ts';
import { LAB_FOLDER, onNode } from './mounts.ts';
import { inCgroup, type NodeSockets } from './node-cgroups.ts';
import { OVERLAY_NETWORK_NAME } from './overlay.ts';
import { kubeconfigPath } from './running-labs.ts';
import type { Program } from './supervisor.ts';

/** What every program of the lab needs to start. */
export interface ProgramFacts {
  /** The Node.js executable. */
  readonly node: string;
  /** Folder of the built programs. */
  readonly programs: string;
  readonly environment: NodeJS.ProcessEnv;
}

function script({ node, programs }: ProgramFacts, name: string): [string, ...string[]] {
  return [node, join(programs, `${name}.mjs`)];
}

function withApi({ environment }: ProgramFacts): NodeJS.ProcessEnv {
  return { ...environment, KUBECONFIG: kubeconfigPath };
}

/** The API server. It listens on the lab's loopback and on all `listeners`. Pods reach it at `advertised`. */
export function apiServerProgram(
  facts: ProgramFacts,
  port: number,
  listeners: readonly number[],
  advertised: string,
): Program {
  const data = join(LAB_FOLDER, 'apiserver');
  return {
    name: 'apiserver',
    argv: [
      ...script(facts, 'apiserver'),
      ...['--data-dir', data, '--token-file', join(data, 'token'), '--kubeconfig', kubeconfigPath],
      ...[
        '--listen',
        `127.0.0.1:${port}`,
        '--service-cidr',
        bothFamilies.map((f) => serviceCidr[f]).join(','),
        '--advertise',
        `${advertised}:${port}`,
      ],
      ...listeners.flatMap((_, i) => ['--listen-fd', String(i + 3)]),
    ],
    environment: facts.environment,
    descriptors: listeners,
  };
}

/** The path of the agent's configuration on a node, and its text, which is the same as in an installation. */
export const AGENT_CONFIG_PATH = '/run/orbweaver/conf.yml';
export const agentConfig = ({ kubeProxy, sockets }: AgentSettings) =>
  'enableIPv4: true\nenableIPv6: true\nenableStatefulSet: true\ntuneSysctlConfig: true\n' +
  'enableSpiderSubnet: true\nenableAutoPoolForApplication: true\n' +
  `orbweaver: ${JSON.stringify({
    kubeProxyReplacement: !kubeProxy,
    ...(sockets !== undefined && {
      serviceMode: 'ebpf',
      serviceCgroup: sockets.cgroup,
      serviceBpfFolder: sockets.programs,
    }),
  })}\n`;

interface AgentSettings {
  readonly kubeProxy: boolean;
  /** Undefined: the agent serves no sockets. */
  readonly sockets: NodeSockets | undefined;
}

export function agentName(node: string): string {
  return `agent-${node}`;
}

/** The programs of each node. The agent tries whether its own sockets are served, so it is in its node's cgroup. */
export function nodePrograms(facts: ProgramFacts, node: string, sockets: NodeSockets | undefined): Program[] {
  const enter = (argv: [string, ...string[]]) =>
    sockets === undefined ? argv : inCgroup(sockets.cgroup, argv);
  return [
    {
      name: agentName(node),
      argv: enter(
        onNode(
          node,
          facts.node,
          // An agent has few young objects, and its threads mostly wait in the kernel. V8's usual young space and a heap for each thread
          // would cost 20 MB (docs/performance.md).
          '--max-semi-space-size=2',
          join(facts.programs, 'agent.mjs'),
          ...[
            '--config-path',
            AGENT_CONFIG_PATH,
            '--node-name',
            node,
            '--install-from',
            join(facts.programs, 'ow-cni'),
            '--install-to',
            '/opt/cni/bin',
          ],
        ),
      ),
      environment: { ...withApi(facts), MULTUS_CLUSTER_NETWORK: OVERLAY_NETWORK_NAME, MALLOC_ARENA_MAX: '2' },
    },
    {
      name: `kubelet-${node}`,
      argv: onNode(node, ...script(facts, 'orbctl'), 'lab-kubelet', '--node', node),
      environment: withApi(facts),
    },
  ];
}

/** Where agents find the leading controller on their node's loopback. */
export const COMMIT_PORT = 5723;

/** The programs of the whole cluster. Agents reach the controller by the descriptors, which listen at {@link COMMIT_PORT}. */
export function clusterPrograms(facts: ProgramFacts, descriptors: readonly number[]): Program[] {
  const environment = withApi(facts);
  return [
    // The controller of an installation, as its one replica.
    {
      name: 'controller',
      // The lab's API server decides about admission in its own process.
      argv: [
        ...script(facts, 'controller'),
        ...['--health-port', 'none', '--webhook-port', 'none'],
        ...['--commit-host', '127.0.0.1', '--commit-port', String(COMMIT_PORT)],
        ...descriptors.flatMap((_, i) => ['--commit-listen-fd', String(i + 3)]),
      ],
      environment,
      descriptors,
    },
    // The controllers of workloads and Services.
    { name: 'controllers', argv: [...script(facts, 'orbctl'), 'lab-controllers'], environment },
  ];
}
