// Which sockets the kernel says to wait in a namespace, told by programs that listen there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { formatAddress } from '#ip';
import { openNamespaceOf } from './namespace.ts';
import { createNetns, primeThreads, removeNetns } from './netns.ts';

const program = `
  const { createServer, connect } = require('node:net');
  const udp = require('node:dgram').createSocket('udp4').bind(5353, '127.0.0.1');
  const tcp = createServer().listen(8080, '::', () => createServer().listen(81, '127.0.0.1', () =>
    connect(81, '127.0.0.1', () => console.log('ready'))));`;

test('only the listening sockets of the namespace are read, not its connections or other namespaces', async (t) => {
  await primeThreads();
  const path = `/run/netns/ow-listeners-${process.pid}`;
  const netns = createNetns(path);
  t.after(() => removeNetns(path));
  const namespace = openNamespaceOf(netns);
  t.after(() => namespace.close());
  assert.deepEqual(namespace.listeners(), []);
  const enter = [`--net=${path}`, '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
  const child = spawn('nsenter', [...enter, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const found = namespace
    .listeners()
    .map(({ protocol, address, port }) => `${protocol} ${formatAddress(address)} ${port}`);
  assert.deepEqual(found.sort(), ['tcp 127.0.0.1 81', 'tcp :: 8080', 'udp 127.0.0.1 5353']);
});
