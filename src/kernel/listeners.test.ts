import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '#ip';
import { parseListeners } from './listeners.ts';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const rest = ' 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0\n';

function read(text: string, protocol: 'tcp' | 'udp', family: 4 | 6): string[] {
  return parseListeners(head + text, protocol, family).map(
    ({ address, port }) => `${formatAddress(address)} ${port}`,
  );
}

test("listening sockets are read from the kernel's tables, connected sockets are not", () => {
  const tcp = [
    `   0: 0100007F:1F90 00000000:0000 0A${rest}`,
    `   1: 00000000:0050 00000000:0000 0A${rest}`,
    `   2: 0100007F:1F90 0100007F:D431 01${rest}`,
  ].join('');
  assert.deepEqual(read(tcp, 'tcp', 4), ['127.0.0.1 8080', '0.0.0.0 80']);
  const udp = `  17: 0A0A060A:0035 00000000:0000 07${rest}  18: 0A0A060A:0035 0100007F:0035 01${rest}`;
  assert.deepEqual(read(udp, 'udp', 4), ['10.6.10.10 53']);
});

test('an IPv4 address of an IPv6 socket is an IPv4 address', () => {
  const lines = [
    `   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A${rest}`,
    `   1: 0000000000000000FFFF00000A06060A:1F91 00000000000000000000000000000000:0000 0A${rest}`,
    `   2: 100000FD0600000000000000010000000:1F92 00000000000000000000000000000000:0000 0A${rest}`,
  ].join('');
  assert.deepEqual(read(lines, 'tcp', 6), [':: 8080', '10.6.6.10 8081']);
});
