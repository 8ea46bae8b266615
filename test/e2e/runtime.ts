// A container runtime like libcni: sandboxes with their own network namespaces, chains of plugins, and stored results.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { OneNode } from './one-node.ts';
import { runProgram } from './program.ts';

type Json = Readonly<Record<string, unknown>>;
type Verb = 'ADD' | 'CHECK' | 'DEL' | 'GC' | 'STATUS' | 'VERSION';

/** A network configuration list. */
export interface Network {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly (Json & { readonly type: string })[];
}

/** The result of one run of a plugin. */
export interface Run {
  readonly type: string;
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
  /** Standard output, if it is JSON. */
  readonly json: Json | undefined;
}

/** The refusal of a plugin: the document that it printed. */
export class CniFailure extends Error {
  readonly code: number;
  readonly run: Run;

  constructor(run: Run) {
    const { code, msg, details } = run.json ?? {};
    super(
      run.json === undefined
        ? `${run.type}: exit ${run.exit}, ${run.stdout}${run.stderr}`
        : [msg, details].filter(Boolean).join(': '),
    );
    this.name = 'CniFailure';
    this.code = Number(code ?? Number.NaN);
    this.run = run;
  }
}

/** The fields of an ADD result that the tests read. */
export interface AddResult extends Json {
  readonly interfaces?: readonly {
    readonly name: string;
    readonly mac?: string;
    readonly sandbox?: string;
  }[];
  readonly ips?: readonly {
    readonly address: string;
    readonly gateway?: string;
    readonly interface?: number;
  }[];
}

/** The pod of a sandbox. */
export interface SandboxPod {
  readonly name: string;
  readonly namespace?: string;
  /** K8S_POD_UID of CNI_ARGS, which older runtimes omit. */
  readonly uid?: string | undefined;
}

/** Optional properties of a new pod. */
export interface NewPod {
  readonly annotations?: Record<string, string>;
  readonly namespace?: string;
}

/** A pod's sandbox: its container id and its network namespace. */
export class Sandbox {
  static readonly #open = new Set<Sandbox>();

  /** Deletes the namespaces of all sandboxes. */
  static dropAll(): void {
    for (const sandbox of Sandbox.#open) sandbox.dropNamespace();
  }

  readonly id = randomBytes(32).toString('hex');
  readonly pod: SandboxPod;
  readonly #namespace: string;

  constructor(pod: SandboxPod) {
    this.pod = pod;
    this.#namespace = `cni-${this.id.slice(0, 12)}`;
    runProgram('ip', ['netns', 'add', this.#namespace]);
    Sandbox.#open.add(this);
  }

  /** Makes the pod and its sandbox. */
  static async ofNewPod(
    node: OneNode,
    name: string,
    { annotations = {}, namespace = 'default' }: NewPod = {},
  ): Promise<Sandbox> {
    const { metadata } = await node.createPod(name, annotations, namespace);
    return new Sandbox({ name, namespace, uid: metadata.uid });
  }

  get netns(): string {
    return `/run/netns/${this.#namespace}`;
  }

  /** The output of `ip -j …` inside. */
  ip<T = Record<string, unknown>>(...args: string[]): T[] {
    const text = runProgram('ip', ['-n', this.#namespace, '-j', ...args]).trim();
    return text === '' ? [] : (JSON.parse(text) as T[]);
  }

  /** Runs a command inside and returns its output. */
  run(command: string, ...args: string[]): string {
    return runProgram('ip', ['netns', 'exec', this.#namespace, command, ...args]);
  }

  /** Deletes the network namespace. Does nothing when it is gone. */
  dropNamespace(): void {
    Sandbox.#open.delete(this);
    if (existsSync(this.netns)) runProgram('ip', ['netns', 'delete', this.#namespace]);
  }
}

/** Changes to a normal call. */
export interface CallChange {
  readonly interfaceName?: string;
  /** Variables to set. The value undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs plugins of a folder. */
export class Runtime {
  readonly binFolder: string;
  /** Results of ADD by container id, interface and network. */
  readonly #results = new Map<string, Json>();
  /** The DEL of each plugin whose ADD was called. A successful DEL is removed. */
  readonly #owed = new Map<string, () => Promise<Run>>();

  constructor(binFolder = '/opt/cni/bin') {
    this.binFolder = binFolder;
  }

  /**
   * ADD of all plugins in order. Throws the CniFailure of the first plugin that refuses, as libcni does.
   * The caller must then call DEL.
   */
  async add(network: Network, sandbox: Sandbox, change: CallChange = {}): Promise<AddResult> {
    let prevResult: Json | undefined;
    for (const plugin of network.plugins) {
      const run = await this.call('ADD', network, plugin, { ...change, sandbox, prevResult });
      if (run.exit !== 0 || run.json === undefined) throw new CniFailure(run);
      prevResult = run.json;
    }
    this.#results.set(resultKey(network, sandbox, change), prevResult ?? {});
    return prevResult ?? {};
  }

  /** CHECK of all plugins in order. Each plugin gets the result of the whole ADD. */
  async check(network: Network, sandbox: Sandbox, change: CallChange = {}): Promise<void> {
    const prevResult = this.#results.get(resultKey(network, sandbox, change));
    for (const plugin of network.plugins) {
      const run = await this.call('CHECK', network, plugin, { ...change, sandbox, prevResult });
      if (run.exit !== 0) throw new CniFailure(run);
    }
  }

  /** DEL of all plugins in reverse order. All of them run, then it throws the first refusal. */
  async del(network: Network, sandbox: Sandbox, change: CallChange = {}): Promise<Run[]> {
    const key = resultKey(network, sandbox, change);
    const prevResult = this.#results.get(key);
    const runs: Run[] = [];
    for (const plugin of network.plugins.toReversed()) {
      const run = await this.call('DEL', network, plugin, { ...change, sandbox, prevResult });
      if (run.exit !== 0) throw new CniFailure(run);
      runs.push(run);
    }
    this.#results.delete(key);
    return runs;
  }

  /** Calls the pending DELs in reverse order, and ends all sandboxes. It is for a test that failed before it did so. */
  async clear(): Promise<void> {
    for (const del of [...this.#owed.values()].reverse()) await del();
    this.#owed.clear();
    Sandbox.dropAll();
  }

  /** One verb of one plugin. */
  async call(
    verb: Verb,
    { cniVersion, name }: Network,
    plugin: Json & { readonly type: string },
    call: CallChange & { readonly sandbox?: Sandbox; readonly prevResult?: Json | undefined } = {},
  ): Promise<Run> {
    const { sandbox, interfaceName = 'eth0', prevResult } = call;
    const env = {
      CNI_COMMAND: verb,
      CNI_PATH: this.binFolder,
      ...(sandbox !== undefined && {
        CNI_CONTAINERID: sandbox.id,
        CNI_NETNS: sandbox.netns,
        CNI_IFNAME: interfaceName,
        CNI_ARGS: cniArgs(sandbox),
      }),
      ...call.env,
    };
    const key = `${name} ${plugin.type} ${sandbox?.id} ${interfaceName}`;
    if (verb === 'ADD')
      this.#owed.set(key, () => this.call('DEL', { cniVersion, name, plugins: [] }, plugin, call));
    const run = await this.exec(
      plugin.type,
      env,
      JSON.stringify({ cniVersion, name, ...plugin, prevResult }),
    );
    if (verb === 'DEL' && run.exit === 0) this.#owed.delete(key);
    return run;
  }

  /** Runs an executable with exactly these CNI_* variables and this standard input. */
  exec(type: string, env: Readonly<Record<string, string | undefined>>, stdin: string): Promise<Run> {
    const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
    const begun = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn(join(this.binFolder, type), [], {
        env: { PATH: '/usr/sbin:/usr/bin', ...set } as NodeJS.ProcessEnv,
      });
      const printed: Buffer[] = [];
      const said: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
      child.stdin.on('error', () => {}); // it ended without reading: its answer says why
      child.stdin.end(stdin);
      child.on('error', reject);
      child.on('close', (exit) => {
        const stdout = Buffer.concat(printed).toString();
        const elapsedMs = performance.now() - begun;
        resolve({
          type,
          exit,
          stdout,
          stderr: Buffer.concat(said).toString(),
          elapsedMs,
          json: parse(stdout),
        });
      });
    });
  }
}

function resultKey({ name }: Network, { id }: Sandbox, { interfaceName = 'eth0' }: CallChange): string {
  return `${name} ${id} ${interfaceName}`;
}

function cniArgs({ id, pod }: Sandbox): string {
  const uid = pod.uid === undefined ? '' : `;K8S_POD_UID=${pod.uid}`;
  return `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.namespace ?? 'default'};K8S_POD_NAME=${pod.name};K8S_POD_INFRA_CONTAINER_ID=${id}${uid}`;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The chain of a seed: macvlan of the node's NIC with our IPAM, then the coordinator. */
export function underlay(
  pools: { readonly ipv4?: readonly string[]; readonly ipv6?: readonly string[] },
  more: { readonly name?: string; readonly ipam?: Json; readonly coordinator?: Json } = {},
): Network {
  const ipam = {
    type: 'spiderpool',
    ...(pools.ipv4 && { default_ipv4_ippool: pools.ipv4 }),
    ...(pools.ipv6 && { default_ipv6_ippool: pools.ipv6 }),
    ...more.ipam,
  };
  return {
    cniVersion: '1.0.0',
    name: more.name ?? 'underlay',
    plugins: [
      { type: 'macvlan', master: 'lan0', mode: 'bridge', ipam },
      { type: 'coordinator', ...more.coordinator },
    ],
  };
}
