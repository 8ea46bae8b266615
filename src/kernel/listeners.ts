// The sockets of a namespace that wait for connections or datagrams, from /proc/net/tcp and similar files
// (proc_net_tcp.rst).

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { addressFromBytes, type Family } from '#ip';
import type { Listener } from '#net';
import { inNetns, type NetnsHandle } from './netns.ts';

const tables = (['tcp', 'udp'] as const).flatMap((protocol) =>
  ([4, 6] as const).map((family) => ({ protocol, family, file: `${protocol}${family === 6 ? '6' : ''}` })),
);

/** TCP_LISTEN, and TCP_CLOSE for a UDP socket without a peer (net/tcp_states.h). */
const waiting = { tcp: '0A', udp: '07' } as const;

/** Does not use `/proc/net`, which shows the namespace of the main thread: this may be another thread. */
export function readListeners(netns: NetnsHandle): Listener[] {
  return inNetns(netns, () =>
    tables.flatMap(({ protocol, family, file }) =>
      parseListeners(readTable(`/proc/thread-self/net/${file}`), protocol, family),
    ),
  );
}

/** Without IPv6, its file does not exist. */
function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The waiting sockets in the lines of such a file: `  0: 0100007F:1F90 00000000:0000 0A …`. */
export function parseListeners(text: string, protocol: Listener['protocol'], family: Family): Listener[] {
  return Array.from(text.matchAll(/^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F:]+ ([0-9A-F]{2}) /gm)).flatMap(
    ([, address = '', port = '', state]) => {
      if (state !== waiting[protocol] || address.length !== (family === 4 ? 8 : 32)) return [];
      return [
        { protocol, address: addressFromBytes(addressBytesOf(address)), port: Number.parseInt(port, 16) },
      ];
    },
  );
}

/** The prefix of IPv4 addresses in IPv6 sockets, ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const mapped = Buffer.from('00000000000000000000ffff', 'hex');

/** The file contains 32-bit words, each in this machine's byte order. */
function addressBytesOf(hex: string): Uint8Array {
  const words = Buffer.from(hex, 'hex');
  const bytes = endianness() === 'LE' ? words.swap32() : words;
  return bytes.subarray(0, mapped.length).equals(mapped) ? bytes.subarray(mapped.length) : bytes;
}
