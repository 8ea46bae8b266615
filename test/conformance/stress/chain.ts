// Runs chains of plugins like a runtime. Any plugin may be killed at any moment.

import { join } from 'node:path';
import type { Random } from '#base';
import type { Sandbox } from '../../e2e/runtime.ts';
import { type Execution, execute } from '../execution.ts';

type Json = Readonly<Record<string, unknown>>;

/** A network configuration list. */
export interface Chain {
  readonly name: string;
  readonly plugins: readonly (Json & { readonly type: string })[];
}

/** The result of one verb for a whole chain. */
export interface ChainRun {
  readonly ok: boolean;
  /** Whether a plugin of the chain was killed. */
  readonly killed: boolean;
  /** The message of the plugin that refused. */
  readonly said: string;
  readonly result: Json | undefined;
}

const binFolder = '/opt/cni/bin';

/** The attachment of a verb. */
export interface Attachment {
  readonly chain: Chain;
  readonly sandbox: Sandbox;
  readonly interfaceName: string;
  /** CNI_ARGS: the runtime's data about the pod. */
  readonly args: string;
}

/** Runs chains, and counts its runs and kills. */
export class ChainRunner {
  operations = 0;
  kills = 0;
  /** The duration of a plugin that is not killed, by verb and type. Kills are spread over this time. */
  readonly #usualMs = new Map<string, number>();

  /** Runs ADD in order. With `random`, one of its plugins may be killed. */
  async add(attachment: Attachment, random?: Random): Promise<ChainRun> {
    const { plugins } = attachment.chain;
    return await this.#run('ADD', attachment, plugins, undefined, random);
  }

  async check(attachment: Attachment, prevResult: Json | undefined, random?: Random): Promise<ChainRun> {
    return await this.#run('CHECK', attachment, attachment.chain.plugins, prevResult, random);
  }

  /** DEL in reverse order. */
  async del(attachment: Attachment, random?: Random): Promise<ChainRun> {
    return await this.#run('DEL', attachment, attachment.chain.plugins.toReversed(), undefined, random);
  }

  /** Runs GC of one plugin type: no attachment of the network is valid any more. */
  async collect(network: string, type: string): Promise<Execution> {
    const stdin = {
      cniVersion: '1.1.0',
      name: network,
      type,
      ipam: { type: 'spiderpool' },
      'cni.dev/valid-attachments': [],
    };
    return await execute({
      executable: join(binFolder, type),
      env: { CNI_COMMAND: 'GC', CNI_PATH: binFolder },
      stdin: JSON.stringify(stdin),
    });
  }

  async #run(
    verb: 'ADD' | 'CHECK' | 'DEL',
    attachment: Attachment,
    plugins: Chain['plugins'],
    given: Json | undefined,
    random: Random | undefined,
  ): Promise<ChainRun> {
    this.operations++;
    const victim = random === undefined ? -1 : Math.floor(random.next() * plugins.length);
    let result = given;
    for (const [index, plugin] of plugins.entries()) {
      const key = `${verb} ${plugin.type}`;
      const ms = (random?.next() ?? 0) * 1.2 * (this.#usualMs.get(key) ?? 30);
      const signalAfter = index === victim ? ({ signal: 'SIGKILL', ms } as const) : undefined;
      const done = await this.#call(verb, attachment, plugin, result, signalAfter);
      const killed = done.signal === 'SIGKILL';
      if (killed) this.kills++;
      if (done.exit !== 0) {
        return { ok: false, killed, said: `${key}: ${done.stdout.trim()} ${done.stderr.trim()}`, result };
      }
      this.#usualMs.set(key, ((this.#usualMs.get(key) ?? done.elapsedMs) * 7 + done.elapsedMs) / 8);
      if (verb === 'ADD') result = done.json;
    }
    return { ok: true, killed: false, said: '', result };
  }

  #call(
    verb: string,
    { chain, sandbox, interfaceName, args }: Attachment,
    plugin: Json & { readonly type: string },
    prevResult: Json | undefined,
    signalAfter: { readonly signal: NodeJS.Signals; readonly ms: number } | undefined,
  ): Promise<Execution> {
    return execute({
      executable: join(binFolder, plugin.type),
      env: {
        PATH: '/usr/sbin:/usr/bin',
        CNI_COMMAND: verb,
        CNI_PATH: binFolder,
        CNI_CONTAINERID: sandbox.id,
        CNI_NETNS: sandbox.netns,
        CNI_IFNAME: interfaceName,
        CNI_ARGS: args,
      },
      stdin: JSON.stringify({ cniVersion: '1.0.0', name: chain.name, ...plugin, prevResult }),
      timeoutMs: 110_000,
      ...(signalAfter !== undefined && { signalAfter }),
    });
  }
}

/** macvlan, our IPAM, and one of our chained types. */
export function macvlanChain(name: string, type: 'coordinator' | 'veth'): Chain {
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] };
  return { name, plugins: [{ type: 'macvlan', master: 'lan0', mode: 'bridge', ipam }, { type }] };
}
