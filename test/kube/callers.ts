// Programs in a pod that use a Service: one connects again and again, one keeps its connection, one waits for answers at
// connected UDP sockets.

import type { Cluster } from './cluster.ts';
import { podNamespaces } from './nics-of-pods.ts';
import type { Place, PodPlace } from './places.ts';
import { Talker } from './traffic.ts';

/** Connects, asks, and begins again with the answer, until its standard input ends. Then it prints what happened. */
const calling = `
const { connect } = require('node:net');
const [host, port] = process.argv.slice(1);
let calls = 0, isEnding = false;
const failures = {};
process.stdin.on('end', () => { isEnding = true; }).resume();
function call() {
  if (isEnding) {
    console.log(JSON.stringify({ calls, failures }));
    process.exit(0);
  }
  calls++;
  const socket = connect({ host, port: Number(port), timeout: 10_000 });
  const end = (why) => {
    socket.removeAllListeners().on('error', () => {}).destroy();
    if (why !== undefined) failures[why] = (failures[why] ?? 0) + 1;
    setTimeout(call, 1);
  };
  socket.on('connect', () => socket.write('?\\n'));
  socket.on('data', () => end());
  socket.on('timeout', () => end('timeout'));
  socket.on('error', ({ code }) => end(code));
  socket.on('end', () => end('ended early'));
}
call();
`;

/** Sends a line each 10 ms in one connection. Prints how many were sent and came back, when its standard input ends. */
const keeping = `
const [host, port] = process.argv.slice(1);
let sent = 0, returned = 0;
const socket = require('node:net').connect({ host, port: Number(port), noDelay: true });
socket.on('data', (data) => { for (const byte of data) if (byte === 10) returned++; });
socket.on('error', ({ code }) => { console.log(code); process.exit(1); });
socket.on('close', () => { console.log('ended early'); process.exit(1); });
const timer = setInterval(() => { socket.write('tick\\n'); sent++; }, 10);
process.stdin.on('end', () => {
  clearInterval(timer);
  setTimeout(() => { console.log(JSON.stringify({ sent, returned })); process.exit(0); }, 1000);
}).resume();
`;

/** Connects eight UDP sockets, and prints with what they have ended, once all have. */
const waiting = `
const { createSocket } = require('node:dgram');
const [host, port] = process.argv.slice(1);
const ends = [];
for (let i = 0; i < 8; i++) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', ({ code }) => {
    socket.close();
    if (ends.push(code) === 8) { console.log(ends.join()); process.exit(0); }
  });
  socket.connect(Number(port), host);
}
process.stdin.on('end', () => { console.log(ends.join()); process.exit(0); }).resume();
`;

export class Callers {
  readonly #talkers: readonly Talker[];

  private constructor(talkers: readonly Talker[]) {
    this.#talkers = talkers;
  }

  /** One for each address of the Service. */
  static async start(cluster: Cluster, from: PodPlace, service: Place): Promise<Callers> {
    return new Callers(await talkersOf(cluster, from, service, calling));
  }

  /** Stops, and throws if a connection failed, or if there were too few to see it. */
  async stopWithoutFailure(): Promise<void> {
    for (const said of await Promise.all(this.#talkers.map((talker) => talker.finish()))) {
      console.log(`     ${said.trim()}`);
      const { calls, failures } = JSON.parse(said) as { calls: number; failures: object };
      if (calls < 100) throw new Error('there were too few connections to see a failure');
      if (Object.keys(failures).length > 0) throw new Error('connections failed');
    }
  }
}

export class KeptConnections {
  readonly #talkers: readonly Talker[];

  private constructor(talkers: readonly Talker[]) {
    this.#talkers = talkers;
  }

  /** One for each address of the Service. */
  static async start(cluster: Cluster, from: PodPlace, service: Place): Promise<KeptConnections> {
    return new KeptConnections(await talkersOf(cluster, from, service, keeping));
  }

  /** Stops, and throws if a line was lost. */
  async stopWithoutLoss(): Promise<void> {
    for (const said of await Promise.all(this.#talkers.map((talker) => talker.finish()))) {
      console.log(`     ${said.trim()}`);
      const { sent, returned } = JSON.parse(said) as { sent: number; returned: number };
      // The server says first, in a line, which address it saw.
      if (sent < 100 || returned - 1 !== sent) throw new Error('lines were lost, or there were too few');
    }
  }
}

export class Waiters {
  readonly #talkers: readonly Talker[];

  private constructor(talkers: readonly Talker[]) {
    this.#talkers = talkers;
  }

  /** Sockets for each address of the Service. */
  static async start(cluster: Cluster, from: PodPlace, service: Place): Promise<Waiters> {
    return new Waiters(await talkersOf(cluster, from, service, waiting));
  }

  /** Resolves when the kernel has ended all sockets. */
  async untilEnded(): Promise<void> {
    for (const talker of this.#talkers) {
      const said = (await talker.ended(20_000)).trim();
      if (said !== Array(8).fill('ECONNABORTED').join()) throw new Error(`the sockets ended with ${said}`);
    }
  }
}

/** The command that runs a program of the machine in the network of a pod, and below its node's control group of version 2. */
async function enteringPod(cluster: Cluster, { node, addresses }: PodPlace): Promise<[string, ...string[]]> {
  const namespace = (await podNamespaces(cluster, node)).get(addresses[0] ?? '') ?? '';
  const join = 'echo 0 >/run/sockets/programs/cgroup.procs; exec nsenter --net="$0" "$@"';
  return [...cluster.entering(node), 'sh', '-c', join, namespace];
}

async function talkersOf(
  cluster: Cluster,
  from: PodPlace,
  service: Place,
  script: string,
): Promise<Talker[]> {
  const [enter, ...inPod] = await enteringPod(cluster, from);
  return service.addresses.map(
    (address) =>
      new Talker(enter, [...inPod, process.execPath, '--eval', script, address, String(service.port)]),
  );
}
