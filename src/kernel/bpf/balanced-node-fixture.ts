// A cgroup and a network namespace for a test, with a process in both whose sockets the programs serve.

import { type ChildProcess, execFileSync, fork, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '#ip';
import {
  type Backends,
  changeTables,
  frontendKey,
  type Place,
  type Protocol,
  type ServiceTable,
} from '#plan/service';
import { ip } from '../../../test/fixtures/ip-command.ts';
import { openNetns } from '../netns.ts';
import { netnsCookie } from '../netns-cookie.ts';
import { removeSocketBalancer, SocketBalancer } from './socket-balancer.ts';
import type { Call, Calls, Returned } from './sockets-fixture.ts';

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function place(text: string): Place {
  const [, six, four, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(text) ?? [];
  return { address: parseAddress(six ?? four ?? ''), port: Number(port) };
}

/** Services as a test writes them: `TCP 10.96.0.1:80` and the backends. */
export type Wanted = Readonly<
  Record<string, { ready?: readonly string[]; draining?: readonly string[]; affinitySeconds?: number }>
>;

export function table(wanted: Wanted): ServiceTable {
  const entries = Object.entries(wanted).map(([text, { ready = [], draining = [], affinitySeconds = 0 }]) => {
    const [protocol, at = ''] = text.split(' ');
    const frontend = { ...place(at), protocol: protocol as Protocol };
    const backends: Backends = { ready: ready.map(place), draining: draining.map(place), affinitySeconds };
    return [frontendKey(frontend), { frontend, backends }] as const;
  });
  return new Map(entries);
}

export class BalancedNode {
  readonly cgroup: string;
  readonly pins: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ow-bpf-'));
  readonly #namespace = `ow-bpf-${process.pid}`;
  readonly #waiting = new Map<number, (returned: Returned) => void>();
  #child: ChildProcess | undefined;
  #calls = 0;

  constructor() {
    // A mount of cgroup2 shows the machine's hierarchy wherever the machine itself has mounted it.
    for (const kind of ['bpf', 'cgroup2']) {
      mkdirSync(join(this.#folder, kind));
      execFileSync('mount', ['-t', kind, 'none', join(this.#folder, kind)]);
    }
    this.cgroup = join(this.#folder, 'cgroup2', `ow-bpf-${process.pid}`);
    this.pins = join(this.#folder, 'bpf/orbweaver');
    mkdirSync(this.cgroup);
    ip('netns', 'add', this.#namespace);
    ip('-n', this.#namespace, 'link', 'set', 'lo', 'up');
  }

  /** An address of the namespace, besides 127.0.0.0/8. */
  addAddress(cidr: string): void {
    ip('-n', this.#namespace, 'address', 'add', cidr, 'dev', 'lo', ...(cidr.includes(':') ? ['nodad'] : []));
  }

  /** The number of the namespace. */
  cookie(): bigint {
    using netns = openNetns(`/run/netns/${this.#namespace}`);
    return netnsCookie(netns);
  }

  open(): SocketBalancer {
    return SocketBalancer.open({ cgroup: this.cgroup, pins: this.pins });
  }

  /** Starts the process whose sockets are looked at. */
  async start(): Promise<void> {
    const script = join(import.meta.dirname, 'sockets-fixture.ts');
    const argv = ['netns', 'exec', this.#namespace, process.execPath, script];
    // The fork's own program is `ip`, which becomes node.
    const child = fork(script, { execPath: '/bin/sh', execArgv: ['-c', `exec ip ${argv.join(' ')}`] });
    this.#child = child;
    await once(child, 'message');
    writeFileSync(join(this.cgroup, 'cgroup.procs'), String(child.pid));
    child.on('message', (returned: Returned) => {
      this.#waiting.get(returned.id)?.(returned);
      this.#waiting.delete(returned.id);
    });
  }

  /** Runs another program there to its end. Names are resolved by the file. */
  run(argv: readonly string[], resolvConf: string): SpawnSyncReturns<string> {
    const script = `echo $$ >"$1" && mount --bind "$2" /etc/resolv.conf && shift 2 && exec ip netns exec "$@"`;
    const words = [join(this.cgroup, 'cgroup.procs'), resolvConf, this.#namespace, ...argv];
    const options = { encoding: 'utf8', timeout: 60_000 } as const;
    return spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...words], options);
  }

  /** Lets that process do it. Throws an error whose message is the errno. */
  async call<Name extends keyof Calls>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    const id = this.#calls++;
    const returned = new Promise<Returned>((resolve) => this.#waiting.set(id, resolve));
    const call: Call = { id, name, args };
    this.#child?.send(call);
    const { value, error } = await returned;
    if (error !== undefined) throw new Error(error);
    return value as Awaited<ReturnType<Calls[Name]>>;
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    }
    removeSocketBalancer(this.pins);
    rmdirSync(this.cgroup);
    for (const kind of ['bpf', 'cgroup2']) execFileSync('umount', [join(this.#folder, kind)]);
    rmSync(this.#folder, { recursive: true });
    ip('netns', 'del', this.#namespace);
  }
}

/** Brings what the programs serve to this. */
export async function serve(balancer: SocketBalancer, wanted: Wanted): Promise<void> {
  const { written, lastSet } = await balancer.services();
  await balancer.write(changeTables(written, table(wanted), lastSet));
}
