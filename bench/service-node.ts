// A node with an underlay pod, a server on the LAN and the rules of kube-proxy, for the benchmark of Services: a process
// that obeys its parent.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { removeSocketBalancer, SocketBalancer } from '#kernel/bpf';
import { serve, type Wanted } from '../src/kernel/bpf/balanced-node-fixture.ts';
import { coverFolders } from '../test/e2e/namespaces.ts';
import { runProgram, until } from '../test/e2e/program.ts';
import { compileC } from '../tools/build.ts';
import { kubeProxyRules, kubeProxyTable, NO_RULES, NO_TABLE } from './kube-proxy-rules.ts';
import { obeyParent } from './node-process.ts';
import { type Tool, tools } from './service-tool.ts';

const [node, server, pod, service] = ['10.6.0.1', '10.6.0.9', '10.6.0.5', '10.96.0.10'] as const;

/** Where a program connects, and whether the programs of BPF run for it. */
const ways = {
  direct: { host: server, isServed: false },
  /** Through the node, with kube-proxy in mode iptables. */
  iptables: { host: service, isServed: false },
  /** The same in mode nftables. */
  nftables: { host: service, isServed: false },
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
  /** The answer is the number that the tool prints. */
  | { readonly do: 'tool'; readonly tool: Tool; readonly way: Way; readonly seconds: number }
  | { readonly do: 'stop' };

const PORT = 7000;
const proxied = { service, endpoint: server, port: PORT };

class ServiceNode {
  readonly #folder: string;
  readonly #program: string;
  readonly #cgroup: string;
  readonly #pins: string;
  #balancer: SocketBalancer | undefined;
  /** What listens on the port, by its command line. */
  #listener: { readonly line: string; readonly child: ChildProcess } | undefined;

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
    this.#useRules('iptables');
    this.#balancer = SocketBalancer.open({ cgroup: this.#cgroup, pins: this.#pins });
    await this.services(10);
    await this.#balancer.attach();
    await this.#listen([this.#program, 'serve', server, String(PORT), '0']);
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
    const { host, isServed } = this.#prepareWay(way);
    return Number(await this.#finish([this.#program, mode, host, String(PORT), String(count)], isServed));
  }

  async measureTool(name: Tool, way: Way, seconds: number): Promise<number> {
    const tool = tools[name];
    await this.#listen(onOneProcessor(tool.server({ host: server, port: PORT })));
    const { host, isServed } = this.#prepareWay(way);
    const client = tool.client({ host, port: PORT, seconds });
    return tool.read(await this.#finish(onOneProcessor(client), isServed));
  }

  #prepareWay(way: Way): (typeof ways)[Way] {
    if (way === 'iptables' || way === 'nftables') this.#useRules(way);
    return ways[way];
  }

  /** The rules of one mode of kube-proxy, and none of the other. */
  #useRules(mode: 'iptables' | 'nftables'): void {
    runProgram('iptables-restore', [], mode === 'iptables' ? kubeProxyRules(proxied) : NO_RULES);
    runProgram('nft', ['-f', '-'], mode === 'nftables' ? kubeProxyTable(proxied) : NO_TABLE);
  }

  /** Starts the server, in the place of the one before. */
  async #listen(argv: readonly string[]): Promise<void> {
    const line = argv.join(' ');
    if (this.#listener?.line === line) return;
    const before = this.#listener?.child;
    if (before?.kill()) await once(before, 'exit');
    this.#listener = { line, child: this.#start('server', argv, 'ignore') };
    await until(`${line} listens`, listens);
  }

  /** What the program prints. */
  async #finish(argv: readonly string[], isServed: boolean): Promise<string> {
    const child = this.#start('pod', isServed ? this.#inCgroup(argv) : argv, 'pipe');
    const exit = once(child, 'exit');
    const said = await text(child.stdout as NodeJS.ReadableStream & AsyncIterable<Buffer>);
    const [code] = (await exit) as [number | null];
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${said}`);
    return said;
  }

  #inCgroup(argv: readonly string[]): string[] {
    return ['sh', '-c', 'echo 0 >"$0" && exec "$@"', join(this.#cgroup, 'cgroup.procs'), ...argv];
  }

  #start(namespace: string, argv: readonly string[], stdout: 'ignore' | 'pipe'): ChildProcess {
    const stdio = ['ignore', stdout, 'inherit'] as const;
    return spawn('ip', ['netns', 'exec', namespace, ...argv], { stdio: [...stdio] });
  }

  stop(): void {
    this.#balancer?.close();
    removeSocketBalancer(this.#pins);
    rmdirSync(this.#cgroup);
  }
}

/** Both ends on one processor: it is the work that counts, and not how soon a processor wakes. */
function onOneProcessor(argv: readonly string[]): string[] {
  return ['taskset', '--cpu-list', '0', ...argv];
}

/** Whether a TCP socket listens on the port (proc_net_tcp.rst in the kernel's documentation: state 0A). */
function listens(): boolean {
  const sockets = runProgram('ip', ['netns', 'exec', 'server', 'cat', '/proc/net/tcp']);
  return sockets.includes(`:${PORT.toString(16).toUpperCase()} 00000000:0000 0A`);
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

const made = new ServiceNode();

obeyParent<ServiceOrder>(async (order) => {
  switch (order.do) {
    case 'prepare':
      return made.prepare();
    case 'services':
      return made.services(order.count);
    case 'measure':
      return made.measure(order.mode, order.way, order.count);
    case 'tool':
      return made.measureTool(order.tool, order.way, order.seconds);
    case 'stop':
      return made.stop();
  }
});
