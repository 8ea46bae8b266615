// Steady traffic between pods, to see whether anything is lost meanwhile: pings, and TCP streams.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Cluster, type NodeName, nodeNames } from './cluster.ts';
import { podNamespaces } from './nics-of-pods.ts';
import { type PodPlace, podPlaces, serverPort } from './places.ts';

/** A running pod. */
type Peer = Pick<PodPlace, 'node' | 'addresses'>;

/** Where a server listens. */
interface Server {
  readonly address: string;
  readonly port: number;
}

interface Losses {
  readonly pings: number;
  readonly lostPings: number;
  /** Messages that were sent in the streams, and that came back. */
  readonly sent: number;
  readonly returned: number;
  /** The longest time until a message came back. */
  readonly slowestMs: number;
}

/**
 * $1: seconds from one ping to the next; then pairs of a namespace and an address to ping from there. It pings in rounds of
 * about two seconds, because a ping that ends by a signal counts what is on its way as lost. After each round it prints how
 * many pings were answered. It ends after a round when its standard input has ended.
 */
const pinging = `
interval=$1 count=$2
shift 2
exec 3<&0
going=$(mktemp)
{ cat <&3 >/dev/null; rm "$going"; } &
while [ $# -gt 0 ]; do
  while [ -e "$going" ]; do nsenter --net="$1" ping -q -i "$interval" -c "$count" "$2"; done &
  shift 2
done
wait`;

/**
 * Connects to each server (pairs of address and port), says `connected`, and sends a line to each in the interval. When its
 * standard input ends, it prints how many lines were sent and came back: it waits ten seconds at most for the last.
 */
const streaming = `
const { connect } = require('node:net');
const [interval, ...words] = process.argv.slice(1);
const sum = { sent: 0, returned: 0, slowestMs: 0 };
const timers = [];
let connecting = words.length / 2;
const endEarly = (address, why) => { console.log('the stream to ' + address + ' ended early: ' + why); process.exit(1); };
for (let i = 0; i < words.length; i += 2) {
  const [address, port] = words.slice(i);
  const socket = connect({ host: address, port: Number(port), noDelay: true });
  const times = [];
  // The server says first, in a line, which address it saw.
  let isGreeted = false;
  const hear = () => {
    if (!isGreeted) { isGreeted = true; return; }
    sum.returned++;
    sum.slowestMs = Math.max(sum.slowestMs, performance.now() - times.shift());
  };
  socket.on('data', (data) => { for (const byte of data) if (byte === 10) hear(); });
  socket.on('error', (error) => endEarly(address, error.message));
  socket.on('close', () => endEarly(address, 'closed'));
  const send = () => { times.push(performance.now()); sum.sent++; socket.write('tick\\n'); };
  socket.on('connect', () => {
    const wait = setTimeout(() => timers.push(setInterval(send, Number(interval))), Math.random() * interval);
    timers.push(wait);
    if (--connecting === 0) console.log('connected');
  });
}
process.stdin.on('end', () => {
  for (const timer of timers) clearInterval(timer);
  const late = performance.now() + 10000;
  setInterval(() => {
    if (sum.returned < sum.sent && performance.now() < late) return;
    console.log(JSON.stringify(sum));
    process.exit(0);
  }, 50);
});
process.stdin.resume();
`;

export class Traffic {
  readonly #pings: readonly Talker[];
  readonly #streams: readonly Talker[];

  private constructor(pings: readonly Talker[], streams: readonly Talker[]) {
    this.#pings = pings;
    this.#streams = streams;
  }

  /** A ping and a message each millisecond, between two underlay pods of different nodes. */
  static async betweenNodes(cluster: Cluster): Promise<Traffic> {
    const pods = await podPlaces(cluster, 'underlay');
    return Traffic.betweenTwo(cluster, pods);
  }

  /** The same between the first pod, and the first one on another node. */
  static async betweenTwo(cluster: Cluster, pods: readonly Peer[]): Promise<Traffic> {
    const [from] = pods;
    const to = pods.find(({ node }) => node !== from?.node);
    if (from === undefined || to === undefined) throw new Error('there are no underlay pods on two nodes');
    const [address = ''] = to.addresses;
    const inside = await podNamespaces(cluster, from.node);
    const namespace = inside.get(from.addresses[0] ?? '') ?? '';
    return Traffic.#begun(
      [pings(cluster, from.node, 1, [{ namespace, address }])],
      [streams(cluster, from.node, 1, [{ address, port: serverPort }], namespace)],
    );
  }

  /** Resolves when all connections are there. */
  static async #begun(pings: readonly Talker[], streams: readonly Talker[]): Promise<Traffic> {
    await Promise.all(streams.map((each) => each.said('connected')));
    return new Traffic(pings, streams);
  }

  /**
   * Every pod pings another one, ten times a second. Both nodes have TCP streams to all addresses of all pods, and a pod on each
   * to the addresses of a Service. More would fill the neighbour tables: all namespaces of the machine share their limit.
   */
  static async amongAll(
    cluster: Cluster,
    pods: readonly Peer[],
    service: readonly Server[],
  ): Promise<Traffic> {
    const servers = pods.flatMap(({ addresses }) =>
      addresses.map((address) => ({ address, port: serverPort })),
    );
    const talkers = { pings: [] as Talker[], streams: [] as Talker[] };
    for (const node of nodeNames) {
      const inside = await podNamespaces(cluster, node);
      const pairs = pods.flatMap((pod, i) => {
        const namespace = inside.get(pod.addresses[0] ?? '');
        const next = pods[(i + 1) % pods.length]?.addresses ?? [];
        const address = next[i % next.length] ?? '';
        return namespace === undefined ? [] : [{ namespace, address }];
      });
      talkers.pings.push(pings(cluster, node, 100, pairs));
      talkers.streams.push(
        streams(cluster, node, 500, servers),
        streams(cluster, node, 500, service, pairs[0]?.namespace),
      );
    }
    return Traffic.#begun(talkers.pings, talkers.streams);
  }

  /** Stops, and throws if something was lost, or if too little was sent to see it. */
  async stopWithoutLoss(): Promise<void> {
    const { pings, lostPings, sent, returned, slowestMs } = await this.#stop();
    const counts = `${pings} pings, ${lostPings} lost; ${sent} messages, ${returned} came back`;
    console.log(`     ${counts}, the slowest after ${slowestMs.toFixed(0)} ms`);
    if (pings < 1000 || sent < 1000) throw new Error('there was too little traffic to see a loss');
    if (lostPings > 0 || sent !== returned) throw new Error('packets were lost');
  }

  async #stop(): Promise<Losses> {
    const [told, streamed] = await Promise.all(
      [this.#pings, this.#streams].map((talkers) => Promise.all(talkers.map((each) => each.finish()))),
    );
    const counts = (told ?? []).flatMap((text) => {
      const found = [...text.matchAll(/(\d+) packets transmitted, (\d+) received/g)];
      if (found.length === 0) throw new Error(`ping said ${JSON.stringify(text)}`);
      return found.map(([, sent, answered]) => [Number(sent), Number(answered)] as const);
    });
    const sums = (streamed ?? []).map((text) => {
      const found = /^\{.*\}$/m.exec(text);
      if (found === null) throw new Error(`a stream said ${JSON.stringify(text)}`);
      return JSON.parse(found[0]) as Pick<Losses, 'sent' | 'returned' | 'slowestMs'>;
    });
    return {
      pings: total(counts.map(([sent]) => sent)),
      lostPings: total(counts.map(([sent, answered]) => sent - answered)),
      sent: total(sums.map(({ sent }) => sent)),
      returned: total(sums.map(({ returned }) => returned)),
      slowestMs: Math.max(...sums.map(({ slowestMs }) => slowestMs)),
    };
  }
}

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

function pings(
  cluster: Cluster,
  node: NodeName,
  everyMs: number,
  pairs: readonly { readonly namespace: string; readonly address: string }[],
): Talker {
  const words = pairs.flatMap(({ namespace, address }) => [namespace, address]);
  const [interval, count] = [String(everyMs / 1000), String(2000 / everyMs)];
  const [enter, ...entering] = cluster.entering(node);
  return new Talker(enter, [...entering, 'sh', '-c', pinging, 'sh', interval, count, ...words]);
}

/** From the node, or from a namespace of a pod there. */
function streams(
  cluster: Cluster,
  node: NodeName,
  everyMs: number,
  servers: readonly Server[],
  namespace?: string,
): Talker {
  const words = servers.flatMap(({ address, port }) => [address, String(port)]);
  const inside = namespace === undefined ? [] : ['nsenter', `--net=${namespace}`];
  const [enter, ...entering] = cluster.entering(node);
  return new Talker(enter, [
    ...[...entering, ...inside],
    ...[process.execPath, '--eval', streaming, String(everyMs), ...words],
  ]);
}

/** A program that talks until its standard input ends. */
export class Talker {
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

  /** Resolves when it has said a line, or has ended. */
  said(line: string): Promise<unknown> {
    const heard = new Promise<void>((resolve) => {
      const look = () => this.#printed.split('\n').includes(line) && resolve();
      look();
      this.#child.stdout?.on('data', look);
    });
    return Promise.race([heard, this.#ended]);
  }

  /** Its output when it has ended by itself. Its standard input closes after that time. */
  async ended(timeoutMs: number): Promise<string> {
    const late = setTimeout(() => this.#child.stdin?.end(), timeoutMs);
    await this.#ended;
    clearTimeout(late);
    return this.#printed;
  }

  /** Closes its standard input. Its output. */
  async finish(): Promise<string> {
    this.#child.stdin?.end();
    await this.#ended;
    return this.#printed;
  }
}
