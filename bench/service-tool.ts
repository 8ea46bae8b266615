// sockperf and iperf3: how they are started, and the one number that is read from what they print.

interface Server {
  readonly host: string;
  readonly port: number;
}

interface Client extends Server {
  /** How long it measures. */
  readonly seconds: number;
}

interface ToolLines {
  readonly server: (at: Server) => string[];
  readonly client: (to: Client) => string[];
  /** Throws if the output does not have the number. */
  readonly read: (output: string) => number;
}

const sockperfServer = ({ host, port }: Server) => [
  'sockperf',
  'server',
  '--tcp',
  '-i',
  host,
  '-p',
  String(port),
];

const sockperf = (test: string, { host, port, seconds }: Client) => [
  'sockperf',
  test,
  '--tcp',
  '-i',
  host,
  '-p',
  String(port),
  '-t',
  String(seconds),
];

export const tools = {
  /** The median of the latency, in µs. sockperf gives half of the round trip. */
  latency: {
    server: sockperfServer,
    client: (to) => sockperf('ping-pong', to),
    read: (output) => numberOf(/percentile 50\.000 = +([0-9.]+)/, output),
  },
  /** Messages each second, as many as the connection takes. */
  load: {
    server: sockperfServer,
    client: (to) => sockperf('throughput', to),
    read: (output) => numberOf(/Message Rate is ([0-9]+) /, output),
  },
  /** What the receiver got by one stream, in Gbit/s. */
  stream: {
    server: ({ host, port }) => ['iperf3', '--server', '--bind', host, '--port', String(port)],
    client: ({ host, port, seconds }) => [
      ...['iperf3', '--client', host, '--port', String(port), '--time', String(seconds), '--json'],
    ],
    read: (output) => numberOf(/"sum_received":\s*\{[^}]*"bits_per_second":\s*([0-9.e+]+)/, output) / 1e9,
  },
} as const satisfies Readonly<Record<string, ToolLines>>;

export type Tool = keyof typeof tools;

function numberOf(pattern: RegExp, output: string): number {
  const found = Number(pattern.exec(output)?.[1]);
  if (Number.isNaN(found)) throw new Error(`no number is in what the tool prints: ${output.slice(0, 2000)}`);
  return found;
}
