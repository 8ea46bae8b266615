// A node with a pod of each kind of network, and a machine on its LAN that answers: a process that obeys its parent.

import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { nodeNic, OneNode } from '../test/e2e/one-node.ts';
import { runProgram, until } from '../test/e2e/program.ts';
import { type Network, Runtime, Sandbox } from '../test/e2e/runtime.ts';
import { vethHost } from '../test/e2e/veth-host-walk.ts';
import { compileC } from '../tools/build.ts';
import { obeyParent } from './node-process.ts';

const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'] };
const chain = (name: string, ...plugins: Network['plugins']): Network => ({
  ...{ cniVersion: '1.0.0', name, plugins },
});
const macvlan = { type: 'macvlan', master: nodeNic, mode: 'bridge', ipam };
const SPARE = 'spare0';

const networks = {
  'veth-route': chain('routed', { type: 'veth-route', hostInterface: nodeNic, ipam }),
  'macvlan and veth-host': chain('beside', macvlan, vethHost),
  'macvlan and coordinator': chain('underlay', macvlan, { type: 'coordinator' }),
  'host-device-plus': chain(
    'whole',
    { type: 'host-device-plus', device: SPARE, ipam },
    { type: 'coordinator' },
  ),
} as const;

/** Who asks: a pod of this network, or the node itself. */
export type PodWay = keyof typeof networks | 'node';
export const podWays = ['node', ...(Object.keys(networks) as (keyof typeof networks)[])] as const;

export type PodWaysOrder =
  | { readonly do: 'prepare' }
  /** The answer is the nanoseconds of each. */
  | {
      readonly do: 'measure';
      readonly mode: 'turns' | 'connects';
      readonly way: PodWay;
      readonly count: number;
    }
  | { readonly do: 'stop' };

const [MACHINE, PORT] = ['10.6.0.9', '7000'] as const;

class PodWaysNode {
  readonly #runtime = new Runtime();
  readonly #pods = new Map<PodWay, Sandbox>();
  readonly #program = join(mkdtempSync('/tmp/bench-'), 'calls');
  #node: OneNode | undefined;

  async prepare(): Promise<void> {
    compileC([join(import.meta.dirname, 'service-calls.c')], this.#program, ['-O2', '-static']);
    const node = await OneNode.start();
    this.#node = node;
    await node.createPools();
    for (const line of [
      `link add ${SPARE} type veth peer name lan-spare0`,
      'link set lan-spare0 master lan up',
      'netns add machine',
      'link add lan-machine master lan up type veth peer name eth0 netns machine',
      '-n machine link set eth0 up',
      `-n machine address add ${MACHINE}/16 dev eth0`,
    ])
      runProgram('ip', line.split(' '));
    spawn('ip', ['netns', 'exec', 'machine', this.#program, 'serve', MACHINE, PORT, '0'], {
      stdio: 'inherit',
    });
    for (const [way, network] of Object.entries(networks) as [keyof typeof networks, Network][]) {
      const sandbox = await Sandbox.ofNewPod(node, network.name);
      await this.#runtime.add(network, sandbox);
      this.#pods.set(way, sandbox);
    }
    // The first question of each way fills caches of neighbours.
    for (const way of podWays) await until(`${way} is answered`, () => this.#isAnswered(way));
  }

  measure(mode: 'turns' | 'connects', way: PodWay, count: number): number {
    const words = [mode, MACHINE, PORT, String(count)];
    const pod = this.#pods.get(way);
    return Number(pod === undefined ? runProgram(this.#program, words) : pod.run(this.#program, ...words));
  }

  async #isAnswered(way: PodWay): Promise<boolean> {
    try {
      return this.measure('turns', way, 1) > 0;
    } catch {
      return false; // the server does not listen yet
    }
  }

  async stop(): Promise<void> {
    await this.#runtime.clear();
    await this.#node?.stop();
  }
}

const made = new PodWaysNode();

obeyParent<PodWaysOrder>(async (order) => {
  switch (order.do) {
    case 'prepare':
      return made.prepare();
    case 'measure':
      return made.measure(order.mode, order.way, order.count);
    case 'stop':
      return made.stop();
  }
});
