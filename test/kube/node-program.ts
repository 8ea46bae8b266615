// A program of ours on a node, as a pod of the host's network would run it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Cluster, home, type NodeName } from './cluster.ts';
import { until } from './command.ts';

export interface NodeProgramParts {
  readonly cluster: Cluster;
  readonly node: NodeName;
  readonly name: 'agent' | 'controller';
  readonly argv: readonly string[];
  /** Answers without an error when the program is ready. */
  readonly readyUrl: string;
}

export class NodeProgram {
  readonly #parts: NodeProgramParts;
  #running: ChildProcess | undefined;

  constructor(parts: NodeProgramParts) {
    this.#parts = parts;
  }

  get #subject(): string {
    return `${this.#parts.name} of ${this.#parts.node}`;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const { cluster, node, name, argv, readyUrl } = this.#parts;
    const script = `echo $$ >${home}/${node}/${name}.pid; exec "$@" >>${home}/log/${node}-${name}.log 2>&1`;
    const [enter, ...rest] = cluster.entering(node);
    const child = spawn(enter, [...rest, 'sh', '-c', script, 'sh', ...argv], { stdio: 'ignore' });
    this.#running = child;
    await until(`${this.#subject} is ready`, 60, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${await this.log()}`);
      await cluster.node(node, ['busybox', 'wget', '-q', '-O', '-', readyUrl]);
      return true;
    });
  }

  /** Sends a signal, and waits until the program has ended. */
  async stop(signal: 'TERM' | 'KILL'): Promise<void> {
    const { cluster, node, name } = this.#parts;
    const child = this.#running;
    if (child === undefined) throw new Error(`no ${this.#subject} runs`);
    const ended = once(child, 'exit');
    const pid = await cluster.node(node, ['cat', `${home}/${node}/${name}.pid`]);
    await cluster.node(node, ['kill', `-${signal}`, pid.trim()]);
    await ended;
    this.#running = undefined;
    if (signal === 'TERM' && child.exitCode !== 0) {
      throw new Error(`${this.#subject} ended with ${child.exitCode ?? child.signalCode} after SIGTERM`);
    }
  }

  /** Its log since the start of the cluster. */
  log(): Promise<string> {
    const { cluster, node, name } = this.#parts;
    return cluster.node(node, ['cat', `${home}/log/${node}-${name}.log`]);
  }

  /** Throws if the log has an error, or a refusal of the API server. */
  async expectCleanLog(): Promise<void> {
    const levelError = 50;
    const lines = (await this.log()).split('\n').filter((line) => line.startsWith('{'));
    const bad = lines.filter(
      (line) => (JSON.parse(line) as { level: number }).level >= levelError || /forbidden/i.test(line),
    );
    if (bad.length > 0) throw new Error(`${this.#subject}: ${bad.slice(0, 10).join('\n')}`);
  }
}

/** How a program of ours is started: built, with Node and the options of an installation. */
export function builtProgram(dist: string, name: string): string[] {
  return ['env', 'MALLOC_ARENA_MAX=2', process.execPath, '--max-semi-space-size=2', `${dist}/${name}.mjs`];
}
