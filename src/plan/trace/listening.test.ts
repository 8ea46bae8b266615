// A packet that arrives where nobody waits for it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from '#ip';
import type { Listener } from '#net';
import { type Protocol, sampleCluster, trace, traceText } from './index.ts';

const cluster = sampleCluster({ natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true });

/** From another pod of the LAN to M2, which has these sockets. */
function ask(listeners: readonly Listener[] | undefined, protocol: Protocol = 'tcp', to = '10.6.100.22') {
  const places = cluster.places.map((place) =>
    place.name === 'M2' && listeners !== undefined ? { ...place, listeners } : place,
  );
  const port = protocol === 'icmp' ? 0 : 8080;
  return trace({ ...cluster, places }, { from: 'M1', destination: parseAddress(to), protocol, port });
}

const socket = (address: string, port = 8080, protocol: Listener['protocol'] = 'tcp'): Listener => ({
  ...{ protocol, port },
  address: parseAddress(address),
});

describe('a port at the destination', () => {
  test('without a socket is reported, and the packet is not called lost', () => {
    for (const listeners of [
      [],
      [socket('0.0.0.0', 81)],
      [socket('0.0.0.0', 8080, 'udp')],
      [socket('127.0.0.1')],
    ]) {
      const found = ask(listeners);
      assert.deepEqual([found.works, found.nobodyListens, found.reply?.outcome], [false, true, 'delivered']);
      const last = traceText(found).split('\n').at(-1);
      assert.equal(last, 'arrives, but no program listens: M2 has no TCP socket on port 8080');
    }
  });

  test('with a socket works: on the address, on all IPv4 addresses, and on all by IPv6', () => {
    for (const address of ['0.0.0.0', '10.6.100.22', '::']) {
      const { works, nobodyListens } = ask([socket(address)]);
      assert.deepEqual([works, nobodyListens], [true, undefined], address);
    }
    assert.equal(ask([socket('0.0.0.0')], 'tcp', 'fd00:10:6::100:22').nobodyListens, true);
    assert.equal(ask([socket('::')], 'tcp', 'fd00:10:6::100:22').works, true);
    assert.equal(ask([socket('0.0.0.0', 8080, 'udp')], 'udp').works, true);
  });

  test('is not checked for ICMP, or when the sockets are not known', () => {
    assert.equal(ask([], 'icmp').works, true);
    assert.equal(ask(undefined).works, true);
  });
});
