// The runner's node: the tested plugin, its containers, and everything that they leave on the node.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Execution, execute } from './execution.ts';
import { kernelLines, run } from './kernel-state.ts';
import type { Profile } from './profile.ts';

type Json = Readonly<Record<string, unknown>>;

/** One container with its namespace, and its interface as the runtime names it. */
export interface Container {
  readonly id: string;
  readonly namespace: string;
  readonly netns: string;
  readonly ifname: string;
  readonly args: string | undefined;
}

/** Changes to a normal call: configuration keys, environment (undefined removes a variable), the whole stdin, a signal. */
export interface CallChange {
  readonly version?: string;
  readonly network?: string;
  readonly conf?: Json;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly prevResult?: Json;
  readonly signalAfter?: { readonly signal: NodeJS.Signals; readonly ms: number };
}

/** The error of a failed case. Its message is the reason. */
export class Failure extends Error {}

const numberOf = ({ id }: Container): string => id.split('-').at(-1) ?? '';

/** Everything a case needs. */
export class Node {
  readonly profile: Profile;
  readonly folder: string;
  /** The faults in the stdout of all calls so far. */
  readonly garbage: string[] = [];
  readonly #binDirs: readonly string[];
  #environment: Record<string, string> = {};
  #versions: readonly string[] = [];
  #count = 0;

  constructor(profile: Profile, binDirs: readonly string[], folder: string) {
    this.profile = profile;
    this.folder = folder;
    this.#binDirs = binDirs;
  }

  /** Prepares the node, and asks the plugin for its supported versions. */
  async start(): Promise<void> {
    run('ip', ['link', 'set', 'lo', 'up']);
    const printed = this.profile.setup === undefined ? '' : this.shell(this.profile.setup);
    for (const [, name = '', value = ''] of printed.matchAll(/^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/gm))
      this.#environment[name] = value;
    const answer = await this.raw({ CNI_COMMAND: 'VERSION' }, '{"cniVersion":"1.0.0"}');
    const versions = answer.json?.supportedVersions;
    this.#versions = Array.isArray(versions) ? versions.map(String) : [];
    // The first container makes the bridges and chains that stay for all containers.
    const first = this.container();
    await this.add(first);
    await this.remove(first);
  }

  stop(): void {
    if (this.profile.teardown !== undefined) this.shell(this.profile.teardown);
  }

  shell(command: string): string {
    return run('sh', ['-c', command], { ...this.#environment, CONFORMANCE_DIR: this.folder });
  }

  /** The versions that the plugin reports, oldest first. */
  get versions(): readonly string[] {
    return this.#versions;
  }

  get newest(): string {
    return this.#versions.at(-1) ?? '1.0.0';
  }

  speaks(version: string): boolean {
    return this.#versions.includes(version);
  }

  container(): Container {
    const n = ++this.#count;
    const namespace = `ow-conf-${process.pid}-${n}`;
    run('ip', ['netns', 'add', namespace]);
    const { args, prepare } = this.profile;
    if (prepare !== undefined)
      this.shell(prepare.replaceAll('{namespace}', namespace).replaceAll('{n}', String(n)));
    return {
      id: `container-${process.pid}-${n}`,
      namespace,
      netns: `/run/netns/${namespace}`,
      ifname: 'eth0',
      args: args?.replaceAll('{n}', String(n)),
    };
  }

  dropNamespace(container: Container): void {
    if (!existsSync(container.netns)) return;
    const { release } = this.profile;
    if (release !== undefined) this.shell(release.replaceAll('{n}', numberOf(container)));
    run('ip', ['netns', 'delete', container.namespace]);
  }

  /** Calls DEL, then deletes the namespace. */
  async remove(container: Container, change: CallChange = {}): Promise<Execution> {
    const done = await this.call('DEL', container, change);
    this.dropNamespace(container);
    return done;
  }

  /** ADD of the whole chain. Returns the execution of the tested plugin. */
  async add(container: Container, change: CallChange = {}): Promise<Execution> {
    const prevResult = change.prevResult ?? (await this.chain(container, change));
    return await this.call('ADD', container, { ...change, ...(prevResult && { prevResult }) });
  }

  /** ADD of the plugins before the tested one. Returns their result. */
  async chain(container: Container, change: CallChange = {}): Promise<Json | undefined> {
    let prevResult: Json | undefined;
    for (const conf of this.profile.before) {
      // A distribution's reference plugins may be older than the tested version. 1.1.0 only adds to 1.0.0.
      const version = this.#version(change) === '1.1.0' ? '1.0.0' : this.#version(change);
      const stdin = JSON.stringify({
        ...conf,
        cniVersion: version,
        name: change.network ?? 'conformance',
        prevResult,
      });
      const done = await this.raw(this.#env('ADD', container), stdin, { type: conf.type });
      if (done.exit !== 0)
        throw new Failure(`${conf.type}, which runs before it, failed: ${done.stdout.trim()}`);
      prevResult = { ...done.json, cniVersion: this.#version(change) };
    }
    return prevResult;
  }

  /** Runs one verb of the tested plugin. For a chain, DEL also runs the other plugins, in reverse order. */
  async call(verb: string, container: Container, change: CallChange = {}): Promise<Execution> {
    const env = { ...this.#env(verb, container), ...change.env };
    const stdin = change.stdin ?? this.conf(change).replaceAll('{n}', numberOf(container));
    const done = await this.raw(env, stdin, change);
    if (verb !== 'DEL') return done;
    for (const conf of this.profile.before.toReversed()) {
      const stdin = JSON.stringify({ ...conf, cniVersion: '1.0.0', name: change.network ?? 'conformance' });
      await this.raw(this.#env('DEL', container), stdin, { type: conf.type });
    }
    return done;
  }

  /** GC or STATUS: a verb without a container. */
  async network(verb: 'GC' | 'STATUS', change: CallChange = {}): Promise<Execution> {
    return await this.raw(
      { CNI_COMMAND: verb, CNI_PATH: this.#binDirs.join(':'), ...change.env },
      this.conf(change),
      change,
    );
  }

  conf(change: CallChange = {}): string {
    return JSON.stringify({
      cniVersion: this.#version(change),
      name: change.network ?? 'conformance',
      ...this.profile.conf,
      ...change.conf,
      prevResult: change.prevResult,
    });
  }

  /** Runs a plugin with only this environment and stdin. */
  async raw(
    env: Readonly<Record<string, string | undefined>>,
    stdin: string,
    options: { readonly type?: string; readonly signalAfter?: { signal: NodeJS.Signals; ms: number } } = {},
  ): Promise<Execution> {
    const type = options.type ?? this.profile.type;
    const executable = this.#binDirs.map((folder) => join(folder, type)).find((file) => existsSync(file));
    if (executable === undefined) throw new Error(`no plugin ${type} in ${this.#binDirs.join(' or ')}`);
    const set: Record<string, string> = { PATH: process.env.PATH ?? '', ...this.#environment };
    for (const [name, value] of Object.entries(env)) if (value !== undefined) set[name] = value;
    const { signalAfter } = options;
    const done = await execute({ executable, env: set, stdin, ...(signalAfter && { signalAfter }) });
    if (done.garbage && signalAfter === undefined)
      this.garbage.push(`${env.CNI_COMMAND}: ${done.stdout.slice(0, 60)}`);
    return done;
  }

  #version(change: CallChange): string {
    return change.version ?? this.newest;
  }

  #env(verb: string, container: Container): Record<string, string> {
    return {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: container.id,
      CNI_NETNS: container.netns,
      CNI_IFNAME: container.ifname,
      CNI_PATH: this.#binDirs.join(':'),
      ...(container.args !== undefined && { CNI_ARGS: container.args }),
    };
  }

  /** The folders in which the runner searches plugins. */
  get binDirs(): readonly string[] {
    return this.#binDirs;
  }

  /** Everything that a plugin may leave on the node: kernel objects, rules of the packet filter, leases. */
  state(): string[] {
    const leases = this.profile.leases === undefined ? '' : this.shell(this.profile.leases);
    return [
      ...kernelLines(),
      ...leases
        .split('\n')
        .filter(Boolean)
        .map((lease) => `lease ${lease}`)
        .sort(),
    ];
  }

  /** Fails unless the node soon has the same content as before. */
  async expectState(before: readonly string[], when: string): Promise<void> {
    const endMs = performance.now() + this.profile.settleMs;
    for (;;) {
      const now = this.state();
      const added = now.filter((line) => !before.includes(line));
      const lost = before.filter((line) => !now.includes(line));
      if (added.length + lost.length === 0) return;
      if (performance.now() > endMs) {
        const said = [...added.map((line) => `left: ${line}`), ...lost.map((line) => `lost: ${line}`)];
        throw new Failure(
          `${when}: ${said.slice(0, 3).join('; ')}${said.length > 3 ? ` and ${said.length - 3} more` : ''}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
