import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress, parseAddress, parseCidr } from '#ip';
import { sampleCluster, type Trace, trace, traceText, type World, walkLine } from '#plan/trace';
import { withAssumed } from './assumed.ts';
import type { ClusterFacts } from './facts.ts';

const whole = sampleCluster({ natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true });

/** What one sees from node1: its own namespace and those of the pods that we attached. */
function seenFromNode1(world: World): World {
  const isSeen = (name: string) => ['node1', 'M1', 'M3', 'D1', 'X1', 'T1'].includes(name);
  return {
    places: world.places.filter(({ name }) => isSeen(name)),
    segments: world.segments.map(({ ports }) => ({ ports: ports.filter(({ place }) => isSeen(place)) })),
  };
}

const pod = (name: string, nodeName: string, ...ips: string[]) => ({
  metadata: { namespace: '', name },
  spec: { nodeName, containers: [] },
  status: { podIPs: ips.map((ip) => ({ ip })) },
});
const node = (name: string, ...addresses: string[]) => ({
  metadata: { name },
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
});

const facts: ClusterFacts = {
  pods: [
    pod('C1', 'node1', '10.244.1.11', 'fd00:10:244:1::11'),
    pod('C2', 'node2', '10.244.2.12', 'fd00:10:244:2::12'),
    pod('M2', 'node2', '10.6.100.22', 'fd00:10:6::100:22'),
    pod('D2', 'node2', '10.7.100.32', 'fd00:10:7::100:32'),
  ],
  nodes: [node('node1', '10.6.212.101', 'fd00:10:6::101'), node('node2', '10.6.212.102', 'fd00:10:6::102')],
  services: [],
  slices: [],
  overlayCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'].map(parseCidr),
};

function both(from: string, to: string): { real: Trace; drawn: Trace } {
  const destination = parseAddress(to);
  const asked = { from, destination, protocol: 'tcp', port: 8080 } as const;
  const assumed = withAssumed(seenFromNode1(whole), 'node1', facts, [destination]);
  return { real: trace(whole, asked), drawn: trace(assumed, asked) };
}

/** Without the names of links and routers, which an assumption cannot know; API names begin with the namespace. */
function outline({ request, reply }: Trace): string {
  const plain = (line: string) =>
    line
      .split(' → ')
      .map((each) => each.split(' ')[0]?.replace(/^\//, ''))
      .join(' ');
  const named = (text: string) => text.replace(/^the router of the LAN$/, 'router');
  return [request, reply]
    .map((way) =>
      way === undefined
        ? ''
        : plain(
            walkLine({
              ...way,
              hops: way.hops.map((hop) => ({ ...hop, place: { ...hop.place, name: named(hop.place.name) } })),
            }),
          ),
    )
    .join(' | ');
}

describe('parts that a node cannot see', () => {
  const pairs: readonly (readonly [string, string, string])[] = [
    ['M1', '10.244.2.12', 'overlay pod of another node'],
    ['M1', 'fd00:10:244:2::12', 'overlay pod of another node, IPv6'],
    ['X1', '10.244.2.12', 'overlay pod of another node, from an overlay NIC'],
    ['M1', '10.244.1.11', 'overlay pod of this node'],
    ['M1', 'fd00:10:244:1::11', 'overlay pod of this node, IPv6'],
    ['M1', '10.6.100.22', 'underlay pod of another node'],
    ['M1', '10.7.100.32', 'underlay pod of another subnet'],
    ['M1', '10.6.212.102', 'another node'],
    ['M1', '192.0.2.10', 'a machine behind the router'],
    ['M1', '2001:db8::10', 'a machine behind the router, IPv6'],
    ['X1', '192.0.2.10', 'a machine behind the router, from an overlay NIC'],
  ];
  for (const [from, to, what] of pairs) {
    test(`are assumed so that packets take their real way: ${from} to ${what}`, () => {
      const { real, drawn } = both(from, to);
      const strangerNames = (text: string) => text.replaceAll(formatAddress(parseAddress(to)), 'client');
      assert.equal(strangerNames(outline(drawn)), outline(real));
      assert.deepEqual([drawn.works, drawn.failure], [true, undefined]);
      assert.deepEqual(drawn.seenSource, real.seenSource);
      assert.match(traceText(drawn), /, assumed$/m);
    });
  }

  test('are not assumed for visible parts: a trace between two pods of this node has no assumptions', () => {
    const { drawn } = both('M1', '10.6.100.23');
    assert.doesNotMatch(traceText(drawn), /assumed/);
  });

  test('have a tunnel where the node’s route has one', () => {
    const tunnelled = {
      ...whole,
      places: whole.places.map((place) =>
        place.name !== 'node1'
          ? place
          : {
              ...place,
              view: {
                ...place.view,
                links: [
                  ...place.view.links,
                  { name: 'vxlan.calico', mac: '66:00:00:00:00:01', up: true, loopback: false },
                ],
                routes: place.view.routes.map((route) =>
                  route.dev === 'ens160' && route.destination.prefixLength === 24
                    ? { ...route, dev: 'vxlan.calico', gateway: parseAddress('10.244.2.0') }
                    : route,
                ),
              },
            },
      ),
      segments: [...whole.segments, { ports: [{ place: 'node1', link: 'vxlan.calico' }] }],
    };
    const destination = parseAddress('10.244.2.12');
    const world = withAssumed(seenFromNode1(tunnelled), 'node1', facts, [destination]);
    const found = trace(world, { from: 'X1', destination, protocol: 'tcp', port: 8080 });
    assert.equal(found.failure, undefined);
    assert.match(traceText(found), /node node2, in vxlan\.calico, assumed/);
    assert.match(traceText(found), /node node1, in vxlan\.calico$/m);
  });
});
