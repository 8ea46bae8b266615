import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '#ip';
import { type Packet, placeOf, sampleCluster } from './index.ts';
import { Netfilter } from './netfilter.ts';

const node = placeOf(
  sampleCluster({ natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true }),
  'node1',
);

/** What becomes of an INVALID packet that the node forwards. */
function fate(source: string, destination: string, inputDev: string): string {
  assert.ok(node !== undefined);
  const netfilter = new Netfilter({
    place: node,
    connections: new Map(),
    choose: () => undefined,
    note: () => {},
  });
  const packet: Packet = {
    ...{ protocol: 'tcp', kind: 'next', mark: 0, sourcePort: 40_000, destinationPort: 80 },
    source: parseAddress(source),
    destination: parseAddress(destination),
  };
  const passed = netfilter.forward(packet, { state: 'invalid', why: 'half seen' }, inputDev);
  return typeof passed === 'string' ? 'dropped' : passed.state;
}

test('our table of the node accepts INVALID packets only from a pod into the overlay', () => {
  assert.equal(fate('10.6.100.21', '10.244.2.12', 'vethm1-sample'), 'untracked');
  assert.equal(fate('10.6.100.21', '10.244.2.12', 'ens160'), 'dropped');
  assert.equal(fate('10.244.1.11', '10.244.2.12', 'caliC1'), 'dropped');
  assert.equal(fate('10.6.100.21', '10.6.100.22', 'vethm1-sample'), 'dropped');
});
