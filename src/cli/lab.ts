// `orbctl lab`: starts a lab and tests which connections work in it.

import { buildCommand, buildRouteMap } from '@stricli/core';
import { OrbError } from '#base';
import { wholeNumber } from '#program';
import { type Context, oneOf, text } from './context.ts';
import { type LabPlaceCommands, labExec, labList } from './lab-places.ts';

/** The options of `orbctl lab`. */
export interface LabFlags {
  readonly nodes: number;
  readonly once: boolean;
  readonly matrix?: 'full' | 'broken' | 'random';
  readonly seed?: number;
  /** Show every row of the table. */
  readonly full: boolean;
  readonly json?: string;
  readonly kubeProxy: boolean;
  readonly service: 'kube-proxy' | 'ebpf';
}

/** The functions of the lab's commands; each resolves with the exit code. */
export interface LabCommands extends LabPlaceCommands {
  lab(flags: LabFlags): Promise<number>;
  /** Process 1 of the lab; `options` is JSON from the process outside. */
  labInside(options: string): Promise<number>;
  readonly maximumNodes: number;
}

type Here = Context<LabCommands>;

function nodeCount(this: Here, input: string): number {
  return wholeNumber('--nodes', input, 1, this.commands.maximumNodes);
}

function seedOf(input: string): number {
  return wholeNumber('--seed', input, 0, 2 ** 32 - 1);
}

const labRun = buildCommand<LabFlags, [], Here>({
  docs: {
    brief: 'Starts a small cluster in network namespaces of this machine and tests what reaches what',
    fullDescription: [
      'Makes a LAN, a router, an outside client and nodes, each in a network namespace. Runs an API server, agents and',
      'kubelets, applies examples/underlay.yaml and shows what reaches what. Runs until Ctrl-C and leaves nothing behind.',
      '',
      '--matrix full    all rows of the forwarding matrix, with the networks of examples/matrix.yaml',
      '--matrix broken  removes one kind of kernel object at a time, and shows which rows fail without it',
      '--matrix random  pods of random shape; each path must work or fail as `orbctl trace` predicts',
    ].join('\n'),
  },
  parameters: {
    flags: {
      nodes: { kind: 'parsed', parse: nodeCount, default: '2', placeholder: 'N', brief: 'Number of nodes' },
      once: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'End after the table; exit code 0 only if all is as expected',
      },
      matrix: {
        kind: 'parsed',
        parse: oneOf('--matrix', ['full', 'broken', 'random']),
        placeholder: 'NAME',
        optional: true,
        brief: 'Test the forwarding matrix instead: full, broken or random',
      },
      seed: {
        kind: 'parsed',
        parse: seedOf,
        placeholder: 'N',
        optional: true,
        brief: 'Only for --matrix random: the same seed makes the same pods',
      },
      full: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Show every row of the table, not only failures',
      },
      kubeProxy: {
        kind: 'boolean',
        default: true,
        brief: 'Rules of kube-proxy; without them, agents serve Services',
      },
      service: {
        kind: 'parsed',
        parse: oneOf('--service', ['kube-proxy', 'ebpf']),
        placeholder: 'MODE',
        default: 'kube-proxy',
        brief: 'serviceMode of the agents: kube-proxy or ebpf',
      },
      json: {
        kind: 'parsed',
        parse: text,
        optional: true,
        placeholder: 'FILE',
        brief: 'Write timings, nodes, pods and table to this file as JSON',
      },
    },
  },
  async func(flags) {
    if (flags.seed !== undefined && flags.matrix !== 'random')
      throw new OrbError('INPUT_INVALID', { message: '--seed works only with --matrix random' });
    if (flags.service === 'ebpf' && ['broken', 'random'].includes(flags.matrix ?? ''))
      throw new OrbError('INPUT_INVALID', {
        message: '--service ebpf works with --matrix full, or without --matrix',
      });
    this.process.exitCode = await this.commands.lab(flags);
  },
});

const labInside = buildCommand<Record<never, never>, [string], Here>({
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

/** The words after `orbctl lab`. Without a word, the command is `run`. */
export const labWords = ['run', 'exec', 'ls'];

export const lab = buildRouteMap({
  routes: { run: labRun, exec: labExec, ls: labList, inside: labInside },
  defaultCommand: 'run',
  docs: {
    brief: 'A cluster in namespaces of this machine',
    fullDescription:
      'A cluster in namespaces of this machine. Without a subcommand, "run" is used; "orbctl lab run --help" shows its options.',
    hideRoute: { inside: true },
  },
});
