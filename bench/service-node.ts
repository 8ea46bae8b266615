// A node with an underlay pod, a server on the LAN and the rules of kube-proxy, for the benchmark of Services: a process
// that obeys its parent.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeSocketBalancer, SocketBalancer } from '#kernel/bpf';
import { serve, type Wanted } from '../src/kernel/bpf/balanced-node-fixture.ts';
import { coverFolders } from '../test/e2e/namespaces.ts';
import { runProgram } from '../test/e2e/program.ts';
import { compileC } from '../tools/build.ts';
import { obeyParent } from './node-process.ts';

const [node, server, pod, service] = ['10.6.0.1', '10.6.0.9', '10.6.0.5', '10.96.0.10'] as const;

/** Where a program connects, and whether the programs of BPF run for it. */
const ways = {
  direct: { host: server, isServed: false },
  /** Through the node. */
  proxy: { host: service, isServed: false },
  /** In socket calls. */
  calls: { host: service, isServed: true },
  /** What no Service concerns. */
  missed: { host: server, isServed: true },
} as const;

export type Way = keyof typeof ways;
/** What service-calls.c does. */
export type Mode = 'turns' | 'requests' | 'connects' | 'datagrams' | 'named';

export type ServiceOrder =
  | { readonly do: 'prepare' }
  /** How many Services the programs know. */
  | { readonly do: 'services'; readonly count: number }
  /** The answer is the nanoseconds of each. */
  | { readonly do: 'measure'; readonly mode: Mode; readonly way: Way; readonly count: number }
  | { readonly do: 'stop' };

const PORT = 7000;
/** kube-proxy's chains of other Services, which the first packet of a connection passes. */
const OTHERS = 100;

class ServiceNode {
  readonly #folder: string;
  readonly #program: string;
  readonly #cgroup: string;
  readonly #pins: string;
  #balancer: SocketBalancer | undefined;

  constructor() {
    coverFolders();
    this.#folder = mkdtempSync('/run/bench-');
    this.#program = join(this.#folder, 'service-calls');
    for (const kind of ['bpf', 'cgroup2']) {
      mkdirSync(join(this.#folder, kind));
      runProgram('mount', ['-t', kind, 'none', join(this.#folder, kind)]);
    }
    this.#cgroup = join(this.#folder, 'cgroup2', `ow-${basename(this.#folder)}`);
    mkdirSync(this.#cgroup);
    this.#pins = join(this.#folder, 'bpf/orbweaver');
  }

  async prepare(): Promise<void> {
    compileC([join(import.meta.dirname, 'service-calls.c')], this.#program, ['-O2', '-static']);
    makeNetwork();
    runProgram('iptables-restore', [], kubeProxyRules());
    this.#balancer = SocketBalancer.open({ cgroup: this.#cgroup, pins: this.#pins });
    await this.services(10);
    await this.#balancer.attach();
    const child = this.#start('server', ['serve', server, String(PORT), '0']);
    await once(child.stdout, 'data');
  }

  async services(count: number): Promise<void> {
    const ready = [`${server}:${PORT}`];
    const wanted: Record<string, Wanted[string]> = {
      [`TCP ${service}:${PORT}`]: { ready },
      [`UDP ${service}:${PORT}`]: { ready },
    };
    for (let number = 2; number < count; number++)
      wanted[`TCP 10.97.${number >> 8}.${number & 255}:80`] = { ready };
    if (this.#balancer !== undefined) await serve(this.#balancer, wanted);
  }

  async measure(mode: Mode, way: Way, count: number): Promise<number> {
    const { host, isServed } = ways[way];
    const child = this.#start('pod', [mode, host, String(PORT), String(count)], isServed);
    const exit = once(child, 'exit');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    await exit;
    return Number(said.toString());
  }

  #start(namespace: string, args: readonly string[], isServed = false) {
    const env = { ...process.env, ...(isServed && { CGROUP: this.#cgroup }) };
    const argv = ['netns', 'exec', namespace, this.#program, ...args];
    return spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'], env });
  }

  stop(): void {
    this.#balancer?.close();
    removeSocketBalancer(this.#pins);
    rmdirSync(this.#cgroup);
  }
}

/** The pod has a NIC on the LAN, and a veth to its node for Services, as the coordinator makes it. */
function makeNetwork(): void {
  const ip = (line: string) => runProgram('ip', line.split(' '));
  for (const name of ['lan', 'server', 'pod']) {
    ip(`netns add ${name}`);
    ip(`-n ${name} link set lo up`);
  }
  const lines = [
    'link set lo up',
    '-n lan link add lan0 type bridge',
    '-n lan link set lan0 up',
    'link add nic type veth peer name port1 netns lan',
    '-n server link add eth0 type veth peer name port2 netns lan',
    ...['port1', 'port2'].map((port) => `-n lan link set ${port} master lan0 up`),
    'link set nic up',
    `addr add ${node}/16 dev nic`,
    '-n server link set eth0 up',
    `-n server addr add ${server}/16 dev eth0`,
    'link add link nic name mv0 netns pod type macvlan mode bridge',
    '-n pod link set mv0 name eth0 up',
    `-n pod addr add ${pod}/16 dev eth0`,
    'link add vethpod type veth peer name veth0 netns pod',
    'link set vethpod up',
    '-n pod link set veth0 up',
    `-n pod route add ${node} dev veth0`,
    `-n pod route add 10.96.0.0/16 via ${node} dev veth0`,
    `route add ${pod} dev vethpod`,
  ];
  for (const line of lines) ip(line);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

/** As kube-proxy writes them in mode iptables; our Service is the last. */
function kubeProxyRules(): string {
  const names = Array.from(
    { length: OTHERS },
    (_, index) => [`10.96.1.${index + 1}`, `OTHER${index}`] as const,
  );
  const all = [...names, [service, 'OURS'] as const];
  return [
    '*nat',
    ...[':KUBE-SERVICES - [0:0]', ':KUBE-POSTROUTING - [0:0]', ':KUBE-MARK-MASQ - [0:0]'],
    ...all.flatMap(([, name]) => [`:KUBE-SVC-${name} - [0:0]`, `:KUBE-SEP-${name} - [0:0]`]),
    '-A PREROUTING -j KUBE-SERVICES',
    '-A POSTROUTING -j KUBE-POSTROUTING',
    '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000',
    '-A KUBE-POSTROUTING -j MASQUERADE --random-fully',
    ...all.flatMap(([address, name]) =>
      ['tcp', 'udp'].flatMap((protocol) => [
        `-A KUBE-SERVICES -d ${address}/32 -p ${protocol} -m ${protocol} --dport ${PORT} -j KUBE-SVC-${name}`,
        `-A KUBE-SEP-${name} -p ${protocol} -m ${protocol} -j DNAT --to-destination ${server}:${PORT}`,
      ]),
    ),
    ...all.flatMap(([, name]) => [
      `-A KUBE-SVC-${name} -j KUBE-MARK-MASQ`,
      `-A KUBE-SVC-${name} -j KUBE-SEP-${name}`,
    ]),
    'COMMIT',
    '*filter',
    ':KUBE-FORWARD - [0:0]',
    '-A FORWARD -j KUBE-FORWARD',
    '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT',
    'COMMIT',
    '',
  ].join('\n');
}

const made = new ServiceNode();

obeyParent<ServiceOrder>(async (order) => {
  switch (order.do) {
    case 'prepare':
      return made.prepare();
    case 'services':
      return made.services(order.count);
    case 'measure':
      return made.measure(order.mode, order.way, order.count);
    case 'stop':
      return made.stop();
  }
});
