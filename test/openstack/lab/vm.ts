// A VM of the lab: a process in the VM's network namespace, with an agent and a container runtime. Its parent asks by
// messages.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Seen, seen, serveIn } from '../../e2e/cloud-site.ts';
import { coverFolders } from '../../e2e/namespaces.ts';
import { agentAccepts, agentOf, linkReferencePlugins } from '../../e2e/one-node.ts';
import { Daemon, runProgram } from '../../e2e/program.ts';
import { type Network, Runtime, Sandbox, type SandboxPod } from '../../e2e/runtime.ts';

export interface AgentFacts {
  readonly kubeconfig: string;
  readonly node: string;
  /** Of the agent's login. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Small numbers, so that the lab begins soon. */
const settings = {
  enableIPv4: true,
  enableIPv6: false,
  orbweaver: { addressRestSeconds: 1, neutronReadyLow: 1, neutronReadyHigh: 3, kubeProxyReplacement: true },
};

const runtime = new Runtime();
const servers: ChildProcess[] = [];
const pods = new Map<string, { readonly sandbox: Sandbox; readonly network: Network }>();
let agent: Daemon | undefined;

function sandboxOf(pod: string | undefined): Sandbox | undefined {
  return pod === undefined ? undefined : pods.get(pod)?.sandbox;
}

/** What the parent may ask. */
const tasks = {
  async start({ kubeconfig, node, environment }: AgentFacts): Promise<void> {
    Object.assign(process.env, environment);
    coverFolders();
    linkReferencePlugins();
    const folder = mkdtempSync('/run/vm-');
    const config = join(folder, 'conf.yml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(settings));
    agent = new Daemon('agent', folder, agentOf(kubeconfig, node, config));
    await agent.start(agentAccepts);
    servers.push(await serveIn(undefined));
  },

  /** Starts a pod whose programs answer, and resolves with its address. */
  async add(network: Network, pod: SandboxPod): Promise<string> {
    const sandbox = new Sandbox(pod);
    pods.set(pod.name, { sandbox, network });
    const { ips } = await runtime.add(network, sandbox);
    servers.push(await serveIn(sandbox));
    return ips?.[0]?.address.split('/')[0] ?? '';
  },

  async remove(pod: string): Promise<void> {
    const found = pods.get(pod);
    if (found === undefined) return;
    await runtime.del(found.network, found.sandbox);
    found.sandbox.dropNamespace();
    pods.delete(pod);
  },

  /** Asks from a pod, or from the node itself. */
  async ask(to: string, from?: string): Promise<Seen> {
    return seen(sandboxOf(from), to);
  },

  async run(command: string, ...words: readonly string[]): Promise<string> {
    return runProgram(command, words);
  },

  async log(): Promise<string> {
    return agent?.log ?? '';
  },

  async stop(): Promise<void> {
    for (const server of servers) server.kill();
    await agent?.stop();
    Sandbox.dropAll();
    process.disconnect();
  },
} as const;

export type VmTasks = typeof tasks;
export interface Request {
  readonly id: number;
  readonly task: keyof VmTasks;
  readonly words: readonly unknown[];
}
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

async function answer({ id, task, words }: Request): Promise<Answer> {
  try {
    const run = tasks[task] as (...words: readonly unknown[]) => Promise<unknown>;
    return { id, value: await run(...words) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (request) => {
  void answer(request as Request).then((said) => process.connected && process.send?.(said));
});
