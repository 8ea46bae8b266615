// What is around one node in a cloud, each in a namespace: the router of its network, another VM with a pod, and a pod on
// another network. Probes there and in pods tell which source they saw.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { nodeNic } from './one-node.ts';
import { runProgram } from './program.ts';
import type { Sandbox } from './runtime.ts';

const probe = join(import.meta.dirname, '../../dist/lab-probe');
const PORT = 80;
const forwarding = '/proc/sys/net/ipv4/ip_forward';
const forwarding6 = '/proc/sys/net/ipv6/conf/all/forwarding';

export const router = '10.6.0.1';
/** A pod of another VM: of the same network, and of another one. */
export const far = { same: '10.6.77.7', same6: 'fd00:10:6::77', other: '10.7.0.9' } as const;

const namespaces = ['site-router', 'site-vm', 'site-same', 'site-other'] as const;
const [routerSpace, vm, same, other] = namespaces;
/** Where a question is asked: a sandbox, a named namespace, or the namespace of this process. */
export type Asker = Sandbox | string | undefined;
export const pods = { same, other } as const;

const spaceOf = (asker: Asker): string | undefined =>
  typeof asker === 'object' ? basename(asker.netns) : asker;

export class CloudSite {
  readonly #servers: ChildProcess[] = [];

  /** `kind` is that of the NIC of the other VM's pod. */
  static async start(kind: 'ipvlan' | 'macvlan'): Promise<CloudSite> {
    for (const name of namespaces) runProgram('ip', ['netns', 'add', name]);
    const mode = kind === 'ipvlan' ? 'l2' : 'bridge';
    const lines = [
      `link add site-port1 master lan up type veth peer name eth0 netns ${routerSpace}`,
      `link add site-port2 master lan up type veth peer name eth0 netns ${vm}`,
      `-n ${routerSpace} address add ${router}/16 dev eth0`,
      `-n ${routerSpace} link add eth1 type veth peer name eth0 netns ${other}`,
      `-n ${routerSpace} address add 10.7.0.1/16 dev eth1`,
      `-n ${vm} address add 10.6.0.102/16 dev eth0`,
      ...[routerSpace, vm, other].map((name) => `-n ${name} link set eth0 up`),
      `-n ${routerSpace} link set eth1 up`,
      `-n ${vm} link add pod link eth0 type ${kind} mode ${mode}`,
      `-n ${vm} link set pod netns ${same} name eth0`,
      `-n ${same} address add ${far.same}/16 dev eth0`,
      `-n ${same} address add ${far.same6}/64 dev eth0 nodad`,
      `-n ${same} link set eth0 up`,
      `-n ${same} route add default via ${router}`,
      `-n ${other} address add ${far.other}/16 dev eth0`,
      `-n ${other} route add default via 10.7.0.1`,
      `route add default via ${router} dev ${nodeNic}`,
    ];
    for (const line of lines) runProgram('ip', line.split(' '));
    // Kubernetes asks for it on every node.
    for (const file of [forwarding, forwarding6]) writeFileSync(file, '1');
    runProgram('ip', ['netns', 'exec', routerSpace, 'tee', forwarding], '1');
    const site = new CloudSite();
    for (const name of [undefined, same, other] as const) await site.serve(name);
    return site;
  }

  /** Answers TCP and UDP there, until the site stops. */
  async serve(where: Asker): Promise<void> {
    this.#servers.push(await serveIn(where));
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    }
    runProgram('ip', ['route', 'delete', 'default', 'via', router]);
    for (const link of ['site-port1', 'site-port2']) runProgram('ip', ['link', 'delete', link]);
    for (const name of namespaces) runProgram('ip', ['netns', 'delete', name]);
  }
}

export interface Seen {
  readonly tcp: string | undefined;
  readonly udp: string | undefined;
  readonly ping: boolean;
}

/**
 * The source that the server of an address saw, by TCP and by UDP, and whether it answers ping:
 * `{ tcp: '10.6.50.1', udp: '10.6.50.1', ping: true }`. Undefined where nobody answered.
 */
export function seen(from: Asker, to: string): Seen {
  const questions = ['tcp', 'udp', 'icmp'].map((by, id) => `${id} ${by} ${to} ${by === 'icmp' ? 0 : PORT}\n`);
  const [command, ...words] = inSpace(spaceOf(from), [probe, 'ask', '3000']);
  const answers = runProgram(command, words, questions.join('')).split('\n');
  const [tcp, udp, ping] = [0, 1, 2].map((id) =>
    answers.find((line) => line.startsWith(`${id} works`))?.replace(/^\d works ?/, ''),
  );
  return { tcp, udp, ping: ping !== undefined };
}

/** What {@link seen} says if all answer and both servers saw this source. */
export const sawAll = (source: string) => ({ tcp: source, udp: source, ping: true });

/** Answers TCP and UDP there, until the process is ended. */
export async function serveIn(where: Asker): Promise<ChildProcess> {
  const [command, ...words] = inSpace(spaceOf(where), [probe, 'serve', String(PORT)]);
  const server = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  return server;
}

function inSpace(
  space: string | undefined,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return space === undefined ? command : ['ip', 'netns', 'exec', space, ...command];
}
