// The end of connected UDP sockets whose backend is gone, in a namespace that is not ours.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ServiceTable, staleSockets } from '#plan/service';
import { primeThreads } from '../netns.ts';
import { BalancedNode, serve, table, type Wanted } from './balanced-node-fixture.ts';
import type { SocketBalancer } from './socket-balancer.ts';

const [first, second] = ['127.1.0.1:8080', '127.1.0.2:8080'] as const;
const six = '[fd00::1]:8080';

describe('connected UDP sockets', () => {
  let node: BalancedNode;
  let balancer: SocketBalancer;

  before(async () => {
    await primeThreads();
    node = new BalancedNode();
    node.addAddress('fd00::1/128');
    balancer = node.open();
    await balancer.attach();
    await node.start();
    for (const host of ['127.1.0.1', '127.1.0.2', 'fd00::1']) await node.call('serve', host, 8080);
  });
  after(async () => {
    balancer.close();
    await node.end();
  });

  async function connected(name: string, host: string, family: 4 | 6 = 4): Promise<void> {
    await node.call('open', name, family);
    await node.call('connectUdp', name, host, 53);
  }

  /** Serves this instead, and ends what has lost its backend. Returns how many were ended. */
  async function change(wanted: Wanted): Promise<number> {
    await serve(balancer, wanted);
    return await endStale(table(wanted));
  }

  const endStale = (now: ServiceTable) => balancer.endSockets(staleSockets(balancer.followed(), now));
  const answered = async (name: string) => (await node.call('send', name)).backend;

  test('a connected UDP socket stays on a dead backend: it is ended, and its program hears of it', async () => {
    await serve(balancer, { 'UDP 10.96.1.1:53': { ready: [first] } });
    await connected('dns', '10.96.1.1');
    const failure = node.call('failure', 'dns');
    assert.equal(await change({ 'UDP 10.96.1.1:53': { ready: [second] } }), 1);
    assert.equal(await failure, 'ECONNABORTED');
    // It is no socket of a Service any more, and can connect again.
    assert.equal(await endStale(table({})), 0);
    await node.call('disconnectUdp', 'dns');
    await node.call('connectUdp', 'dns', '10.96.1.1', 53);
    assert.equal(await answered('dns'), second);
    await node.call('close', 'dns');
  });

  test('sockets with IPv6 and mapped addresses are ended too', async () => {
    await serve(balancer, {
      'UDP 10.96.1.2:53': { ready: [first] },
      'UDP [fd00:96::2]:53': { ready: [six] },
    });
    await connected('mapped', '::ffff:10.96.1.2', 6);
    await connected('six', 'fd00:96::2', 6);
    const failures = Promise.all([node.call('failure', 'mapped'), node.call('failure', 'six')]);
    assert.equal(await change({}), 2);
    assert.deepEqual(await failures, ['ECONNABORTED', 'ECONNABORTED']);
  });

  test('a backend of two Services: only the socket of the Service that has lost it is ended', async () => {
    await serve(balancer, {
      'UDP 10.96.1.3:53': { ready: [first] },
      'UDP 10.96.1.4:53': { ready: [first] },
    });
    await connected('lost', '10.96.1.3');
    await connected('kept', '10.96.1.4');
    const failure = node.call('failure', 'lost');
    const now: Wanted = {
      'UDP 10.96.1.3:53': { ready: [second] },
      'UDP 10.96.1.4:53': { draining: [first] },
    };
    assert.equal(await change(now), 1);
    assert.equal(await failure, 'ECONNABORTED');
    assert.equal(await answered('kept'), first);
    await node.call('close', 'kept');
  });

  test('an unconnected socket is not ended, but takes a new backend with its next datagram', async () => {
    await serve(balancer, { 'UDP 10.96.1.5:53': { ready: [first] } });
    await node.call('open', 'free', 4);
    const ask = async () => (await node.call('send', 'free', '10.96.1.5', 53)).backend;
    assert.equal(await ask(), first);
    assert.equal(await change({ 'UDP 10.96.1.5:53': { ready: [second] } }), 0);
    assert.equal(await ask(), second);
  });

  test('a second connect kills the wrong socket: one that speaks with its backend by itself lives', async () => {
    await serve(balancer, { 'UDP 10.96.1.6:53': { ready: [first] } });
    await connected('direct', '10.96.1.6');
    await node.call('disconnectUdp', 'direct');
    await node.call('connectUdp', 'direct', '127.1.0.1', 8080);
    await connected('parted', '10.96.1.6');
    await node.call('disconnectUdp', 'parted');
    assert.equal(await change({}), 0);
    assert.equal(await answered('direct'), first);
  });

  test('a socket is followed until it is closed', async () => {
    await serve(balancer, { 'UDP 10.96.1.7:53': { ready: [first] }, 'TCP 10.96.1.7:53': { ready: [first] } });
    const count = () =>
      balancer.followed().filter(({ service }) => service.address.value % 256n === 7n).length;
    await connected('short', '10.96.1.7');
    await node.call('tcp', '10.96.1.7', 53);
    assert.equal(count(), 1);
    await node.call('close', 'short');
    assert.equal(count(), 0);
  });

  test('what ended while no program was attached is not followed any more', async () => {
    await serve(balancer, { 'UDP 10.96.1.8:53': { ready: [first] } });
    await connected('away', '10.96.1.8');
    balancer.detach();
    await node.call('close', 'away');
    assert.notEqual(balancer.followed().length, 0);
    await balancer.attach();
    assert.equal(balancer.followed().length, 0);
  });
});
