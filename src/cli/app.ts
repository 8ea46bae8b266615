// The command line of orbctl: commands, flags and their help; what they do is passed in.

import {
  type Application,
  buildApplication,
  buildCommand,
  buildRouteMap,
  type CommandContext,
  type StricliProcess,
  text_en,
} from '@stricli/core';
import { errorText, isOrbError, OrbError } from '#base';

/** What `orbctl lab` was asked for. */
export interface LabFlags {
  readonly nodes: number;
  readonly once: boolean;
  readonly json?: string;
}

/** What the commands do; each resolves with the exit code. */
export interface Commands {
  lab(flags: LabFlags): Promise<number>;
  /** `target` is a pod, a node, `router` or `client`. */
  labExec(target: string, argv: readonly string[]): Promise<number>;
  labList(): Promise<number>;
  /** Process 1 of the lab; `options` is JSON of the process outside. */
  labInside(options: string): Promise<number>;
  /** The kubelet of a lab's node. */
  labKubelet(node: string): Promise<number>;
  /** The controllers of the lab's cluster. */
  labControllers(): Promise<number>;
  readonly maximumNodes: number;
}

interface Context extends CommandContext {
  readonly process: StricliProcess;
  readonly commands: Commands;
}

const text = (input: string): string => input;

function nodeCount(this: Context, input: string): number {
  const count = Number(input);
  if (/^[0-9]+$/.test(input) && count >= 1 && count <= this.commands.maximumNodes) return count;
  const allowed = `1 to ${this.commands.maximumNodes}`;
  throw new OrbError('INPUT_INVALID', {
    message: `--nodes ${JSON.stringify(input)}: allowed are ${allowed}`,
  });
}

const labRun = buildCommand<LabFlags, [], Context>({
  docs: {
    brief: 'Brings up a small cluster in network namespaces of this machine and tries what reaches what',
    fullDescription:
      'Makes a LAN, a router, an outside client and nodes, each a network namespace; runs an API server, agents and kubelets; ' +
      'applies examples/underlay.yaml and shows a connectivity table. Stays up until Ctrl-C; nothing is left behind.',
  },
  parameters: {
    flags: {
      nodes: { kind: 'parsed', parse: nodeCount, default: '2', brief: 'Number of nodes' },
      once: {
        kind: 'boolean',
        default: false,
        brief: 'End after the table; exit code 0 only if every cell is as expected',
      },
      json: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'Write timings, nodes, pods and table there as JSON',
      },
    },
  },
  async func(flags) {
    this.process.exitCode = await this.commands.lab(flags);
  },
});

const labExec = buildCommand<Record<never, never>, string[], Context>({
  docs: {
    brief: 'Runs a command in a pod, on a node, in "router" or in "client": orbctl lab exec POD -- ip route',
  },
  parameters: {
    positional: {
      kind: 'array',
      minimum: 2,
      parameter: { brief: 'The place, then the command and its arguments', parse: text, placeholder: 'args' },
    },
  },
  async func(_flags, target = '', ...argv) {
    this.process.exitCode = await this.commands.labExec(target, argv);
  },
});

const labList = buildCommand<Record<never, never>, [], Context>({
  docs: { brief: 'Lists the labs of this machine with their nodes and pods' },
  parameters: {},
  async func() {
    this.process.exitCode = await this.commands.labList();
  },
});

const labInside = buildCommand<Record<never, never>, [string], Context>({
  docs: { brief: 'The lab inside its namespaces (started by "orbctl lab")' },
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Options as JSON', parse: text, placeholder: 'options' }],
    },
  },
  async func(_flags, options) {
    this.process.exitCode = await this.commands.labInside(options);
  },
});

const labKubelet = buildCommand<{ readonly node: string }, [], Context>({
  docs: { brief: 'The kubelet of a node of the lab (started by "orbctl lab")' },
  parameters: { flags: { node: { kind: 'parsed', parse: text, brief: 'Name of the node' } } },
  async func({ node }) {
    this.process.exitCode = await this.commands.labKubelet(node);
  },
});

const labControllers = buildCommand<Record<never, never>, [], Context>({
  docs: { brief: 'The controllers of the lab (started by "orbctl lab")' },
  parameters: {},
  async func() {
    this.process.exitCode = await this.commands.labControllers();
  },
});

const lab = buildRouteMap({
  routes: { run: labRun, exec: labExec, ls: labList, inside: labInside },
  defaultCommand: 'run',
  docs: { brief: 'A cluster in namespaces of this machine', hideRoute: { inside: true } },
});

const commandLine = buildRouteMap({
  routes: { lab, labKubelet, labControllers },
  docs: { brief: 'Works with Orbweaver', hideRoute: { labKubelet: true, labControllers: true } },
});

/** One sentence on what went wrong, and what the user can do. */
function explain(error: unknown): string {
  return `orbctl: ${errorText(error)}${isOrbError(error) && error.code !== 'INPUT_INVALID' ? `\n${error.advice}` : ''}`;
}

/** The application; run it with `run(app, argv, { process, commands })`. */
export function orbctl(version: string): Application<Context> {
  return buildApplication(commandLine, {
    name: 'orbctl',
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { disableAnsiColor: true },
    localization: { loadText: () => ({ ...text_en, exceptionWhileRunningCommand: explain }) },
  });
}
