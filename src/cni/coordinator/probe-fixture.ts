// For root tests: our probe program sends and answers TCP, UDP and ping in namespaces. It answers from the address that
// the question was sent to.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const probe = join(import.meta.dirname, '../../../dist/lab-probe');
const PORT = 80;

/** A question to an address. `from` is the address to which the asking socket is bound. */
export interface Question {
  readonly to: string;
  readonly from?: string;
  /** Default 80. Ping has no port. */
  readonly port?: number;
  /** Default: all three. */
  readonly by?: readonly ('tcp' | 'udp' | 'icmp')[];
}

/** Runs `ask` while the namespace answers TCP and UDP on port 80 at each of its addresses. */
export async function withProbe(namespace: string, ask: () => void): Promise<void> {
  await withServing([namespace, probe, 'serve', String(PORT)], ask);
}

/** The first word is the namespace. */
async function withServing(words: readonly string[], ask: () => void): Promise<void> {
  const server = spawn('ip', ['netns', 'exec', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    ask();
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

const PLAIN_UDP = `
  const socket = require('node:dgram').createSocket('udp6');
  socket.on('message', (text, { address, port }) => {
    socket.send(Buffer.concat([Buffer.from(address.replace('::ffff:', '') + '\\n'), text]), port, address);
  });
  socket.bind(${PORT}, '::', () => process.stdout.write('ready'));`;

/**
 * Runs `ask` with a UDP server in the namespace. The server leaves the source address of its answers to the kernel, as
 * most programs do.
 */
export async function withPlainUdp(namespace: string, ask: () => void): Promise<void> {
  await withServing([namespace, process.execPath, '-e', PLAIN_UDP], ask);
}

/** The failed questions, one line each: `udp 10.6.168.172 from 10.7.0.1: no answer`. Empty if all were answered. */
export function unanswered(namespace: string, questions: readonly Question[]): string[] {
  const asked = questions.flatMap(({ to, from, port = PORT, by = ['tcp', 'udp', 'icmp'] }) =>
    by.map((protocol) => ({ to, from, protocol, port: protocol === 'icmp' ? 0 : port })),
  );
  const input = asked
    .map(({ to, from = '', protocol, port }, id) => `${id} ${protocol} ${to} ${port} ${from}\n`)
    .join('');
  const printed = execFileSync('ip', ['netns', 'exec', namespace, probe, 'ask', '1500'], {
    input,
    encoding: 'utf8',
  });
  return printed
    .split('\n')
    .filter((line) => line.includes(' fails '))
    .map((line) => {
      const { protocol, to, from } = asked[Number.parseInt(line, 10)] ?? {};
      const bound = from === undefined ? '' : ` from ${from}`;
      return `${protocol} ${to}${bound}: ${line.replace(/^\d+ fails /, '')}`;
    })
    .sort();
}
