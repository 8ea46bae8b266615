// Steady traffic between two pods, to see whether anything is lost meanwhile: a ping each millisecond, and a TCP stream.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cluster, NodeName } from './cluster.ts';
import { type PodPlace, podPlaces } from './places.ts';

interface Losses {
  readonly pings: number;
  readonly lostPings: number;
  /** Messages that were sent in the stream, and that came back. */
  readonly sent: number;
  readonly returned: number;
}

/** Pings each millisecond, and prints how many were answered, when its standard input ends. */
const pinging = 'ping -q -i 0.001 "$1" & cat >/dev/null; kill -INT $!; wait $!';

/** Sends a line each millisecond, and prints how many were sent and came back, when its standard input ends. */
const stream = `
const [host, port] = process.argv.slice(1);
let sent = 0, returned = 0, open = false;
const socket = require('node:net').connect({ host, port: Number(port), noDelay: true });
socket.on('connect', () => { open = true; });
socket.on('data', (data) => { for (const byte of data) if (byte === 10) returned++; });
socket.on('error', (error) => { console.log('ended early: ' + error.message); process.exit(1); });
socket.on('close', () => { console.log('ended early'); process.exit(1); });
const timer = setInterval(() => { if (open) { socket.write('tick\\n'); sent++; } }, 1);
process.stdin.on('end', () => { clearInterval(timer); setTimeout(() => { console.log(JSON.stringify({ sent, returned })); process.exit(0); }, 1000); });
process.stdin.resume();
`;

export class Traffic {
  readonly #ping: Talker;
  readonly #stream: Talker;

  private constructor(ping: Talker, talker: Talker) {
    this.#ping = ping;
    this.#stream = talker;
  }

  /** Resolves when both run. */
  static async #start(cluster: Cluster, from: PodPlace, to: PodPlace): Promise<Traffic> {
    const [address = ''] = to.addresses;
    const pid = await sandboxPid(cluster, from.node, from.uid);
    const [enter, ...entering] = cluster.entering(from.node);
    const inPod = [...entering, 'nsenter', '--net', '--target', pid];
    const ping = new Talker(enter, [...inPod, 'sh', '-c', pinging, 'sh', address]);
    const talker = new Talker(enter, [
      ...inPod,
      ...[process.execPath, '--eval', stream, address, String(to.port)],
    ]);
    return new Traffic(ping, talker);
  }

  /** Between two underlay pods of different nodes. */
  static async betweenNodes(cluster: Cluster): Promise<Traffic> {
    const pods = await podPlaces(cluster, 'underlay');
    const [from] = pods;
    const to = pods.find(({ node }) => node !== from?.node);
    if (from === undefined || to === undefined) throw new Error('there are no underlay pods on two nodes');
    return Traffic.#start(cluster, from, to);
  }

  /** Stops, and throws if something was lost, or if too little was sent to see it. */
  async stopWithoutLoss(): Promise<void> {
    const { pings, lostPings, sent, returned } = await this.#stop();
    console.log(`     ${pings} pings, ${lostPings} lost; ${sent} messages, ${returned} came back`);
    if (pings < 1000 || sent < 1000) throw new Error('there was too little traffic to see a loss');
    if (lostPings > 0 || sent !== returned) throw new Error('packets were lost');
  }

  async #stop(): Promise<Losses> {
    const [told, streamed] = await Promise.all([this.#ping.finish(), this.#stream.finish()]);
    const found = /(\d+) packets transmitted, (\d+) received/.exec(told);
    if (found === null) throw new Error(`ping said ${JSON.stringify(told)}`);
    const [pings, answered] = [Number(found[1]), Number(found[2])];
    const counts = /^\{.*\}$/m.exec(streamed);
    if (counts === null) throw new Error(`the stream said ${JSON.stringify(streamed)}`);
    const { sent, returned } = JSON.parse(counts[0]) as Losses;
    // The server says first, in a line, which address it saw.
    return { pings, lostPings: pings - answered, sent, returned: returned - 1 };
  }
}

/** A program that talks until its standard input ends. */
class Talker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #printed = '';

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.on('data', (data: Buffer) => (this.#printed += data.toString()));
    }
  }

  /** Closes its standard input. Its output. */
  async finish(): Promise<string> {
    this.#child.stdin?.end();
    await this.#ended;
    return this.#printed;
  }
}

/** The process that holds the network of a pod, as the node counts processes. */
async function sandboxPid(cluster: Cluster, node: NodeName, uid: string): Promise<string> {
  const filter = `labels."io.kubernetes.pod.uid"==${uid},labels."io.cri-containerd.kind"==sandbox`;
  const ctr = ['ctr', '-n', 'k8s.io'];
  const sandbox = (await cluster.node(node, [...ctr, 'containers', 'ls', '-q', filter])).trim();
  const tasks = await cluster.node(node, [...ctr, 'tasks', 'ls']);
  const line = tasks.split('\n').find((text) => text.startsWith(sandbox));
  const [, pid] = line?.split(/\s+/) ?? [];
  if (sandbox === '' || pid === undefined) throw new Error(`the pod with the UID ${uid} has no sandbox`);
  return pid;
}
