import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress, parseAddress, parseCidr } from '#ip';
import {
  type Place,
  type SampleSettings,
  sampleCluster,
  type Trace,
  type TraceRequest,
  trace,
  traceText,
  viewOf,
  type World,
} from './index.ts';
import { podAddress } from './sample-pods.ts';

const usual: SampleSettings = { natOutgoing: true, defaultRouteNic: 'eth0', dropsInvalid: true };

/** The sample cluster with one place changed. */
function cluster(
  name?: string,
  change: (place: Place) => Partial<Place> = () => ({}),
  settings = usual,
): World {
  const world = sampleCluster(settings);
  return {
    ...world,
    places: world.places.map((place) => (place.name === name ? { ...place, ...change(place) } : place)),
  };
}

function ask(world: World, from: string, destination: string, more: Partial<TraceRequest> = {}): Trace {
  return trace(world, { from, destination: parseAddress(destination), protocol: 'tcp', port: 8080, ...more });
}

const M1 = '10.6.100.21';
const C2 = '10.244.2.12';

describe('a trace', () => {
  test('names rule, route, device and neighbour of every hop', () => {
    const text = traceText(
      ask(cluster(), 'client', '10.6.212.101', { port: 30_182, endpoints: [parseAddress(M1)] }),
    );
    const expected = [
      '  3  node node1, in ens160',
      '       NodePort of Service default/m-local: to 10.6.100.21:8080, one of 2 at random',
      '       1000: from all lookup 500',
      '         10.6.100.21 dev vethm1-sample proto 79 scope link',
      '  4  pod M1 (node1), in veth0',
      '       conntrack mark 0x1: answers leave by veth0 too',
      '       delivered: from 192.0.2.10 to 10.6.100.21:8080',
      '       the connection came in by veth0: marked 0x1, and looked up again',
      '       1000: from all fwmark 0x1 lookup 100',
      '       translated back: the sender is 10.6.212.101:30182 again',
      'the server sees 192.0.2.10',
      'works',
    ];
    const lines = text.split('\n');
    let at = -1;
    for (const line of expected) {
      at = lines.indexOf(line, at + 1);
      assert.ok(at >= 0, `${line} comes in its place in\n${text}`);
    }
    assert.match(text, / {7}out vethm1-sample: 10\.6\.100\.21 dev vethm1-sample lladdr \S+ PERMANENT/);
  });

  test('says where TCP hangs because a node sees only half of it, and that UDP works', () => {
    const bare = cluster('node1', withoutOurTable);
    const found = ask(bare, 'M1', C2);
    assert.equal(found.works, false);
    assert.match(
      found.failure ?? '',
      /hangs after its SYN-ACK: node1: kube-proxy drops packets that conntrack calls INVALID/,
    );
    assert.equal(ask(bare, 'M1', C2, { protocol: 'udp' }).works, true);
    assert.equal(ask(bare, 'M1', C2, { protocol: 'icmp', port: 0 }).works, true);
    const liberal = cluster('node1', withoutOurTable, { ...usual, dropsInvalid: false });
    assert.equal(ask(liberal, 'M1', C2).works, true);
  });

  test('works when the node’s table accepts half-seen connections into the overlay', () => {
    assert.equal(ask(cluster(), 'M1', C2).works, true);
    const settings = { ...usual, natOutgoing: false };
    const answer = ask(cluster(undefined, undefined, settings), 'C1', '10.6.100.22');
    assert.equal(answer.works, true);
    assert.match(
      traceText(answer),
      /INVALID, it has not seen the SYN.*\n.*accepts half-seen connections into the overlay/,
    );
    assert.match(
      ask(cluster('node2', withoutOurTable, settings), 'C1', '10.6.100.22').failure ?? '',
      /the answer is lost: node2: kube-proxy drops/,
    );
  });

  test('looks up again with the source that it found, as the kernel does for IPv4', () => {
    const four = traceText(ask(cluster(), 'X1', '10.6.100.22'));
    assert.match(four, /sends from 10\.6\.100\.41\n +1001: from 10\.6\.100\.41 lookup 101\n/);
    const six = traceText(ask(cluster(), 'X1', 'fd00:10:6::100:22'));
    assert.match(six, /sends from fd00:10:6::100:41\n +32766: from all lookup main\n/);
  });

  test('fails when strict rp_filter finds another way back', () => {
    const strict = (place: Place) => ({
      view: { ...place.view, sysctls: new Map([['ipv4/conf/eth0/rp_filter', '1']]) },
    });
    const found = ask(cluster('M1', strict), 'M1', C2, { protocol: 'udp' });
    assert.equal(found.failure, 'the answer is lost: M1: rp_filter 1 on eth0: the way back is by veth0');
  });

  test('fails when a strict router gets a NIC’s answer from another NIC’s LAN, in both families', () => {
    const strict = (place: Place) => ({
      view: { ...place.view, sysctls: new Map([...place.view.sysctls, ['ipv4/conf/all/rp_filter', '1']]) },
      firewall: { ...place.firewall, strictIpv6: true },
    });
    const withoutSourceRules = ({ view }: Place) => ({
      view: { ...view, rules: view.rules.filter(({ from }) => from === undefined) },
    });
    for (const family of [4, 6] as const) {
      const net1 = formatAddress(podAddress('T1', family, 'net1'));
      const world = cluster('router', strict);
      assert.equal(ask(world, 'client', net1).works, true, traceText(ask(world, 'client', net1)));
      const unruled = world.places.map((each) =>
        each.name === 'T1' ? { ...each, ...withoutSourceRules(each) } : each,
      );
      const found = ask({ ...world, places: unruled }, 'client', net1);
      assert.match(
        found.failure ?? '',
        family === 4
          ? /the answer is lost: router: rp_filter 1 on \S+: the way back is by/
          : /the answer is lost: router: nft fib on \S+: the way back is not by it/,
      );
    }
  });

  test('fails when a pod has no route to the sender, also if a mark changes the way of its answer', () => {
    const noDefault = ({ view }: Place) => ({
      view: {
        ...view,
        routes: view.routes.filter(({ destination, table }) => table !== 254 || destination.prefixLength > 0),
        rules: view.rules.filter(({ mark, table }) => mark !== undefined || table >= 253),
      },
    });
    const asked = { port: 30_182, endpoints: [parseAddress(M1)] };
    const found = ask(cluster('M1', noDefault), 'client', '10.6.212.101', asked);
    assert.equal(found.failure, 'the answer is lost: M1: there is no route to 192.0.2.10');
  });

  test('fails when the answer bypasses the node that translated, without masquerade of the underlay', () => {
    const everywhere = ({ firewall }: Place) => ({
      firewall: {
        ...firewall,
        services: { fronts: firewall.services?.fronts ?? [], clusterCidrs: [parseCidr('10.0.0.0/8')] },
      },
    });
    const found = ask(cluster('node1', everywhere), 'M1', '10.96.0.11', {
      port: 80,
      endpoints: [parseAddress('10.6.100.22')],
    });
    assert.match(
      found.failure ?? '',
      /M1 sent to 10\.96\.0\.11:80, but the answer comes from 10\.6\.100\.22/,
    );
  });

  test('works there with the masquerade of our table, and says whose it is', () => {
    const ours = ({ firewall }: Place) => ({
      firewall: {
        ...firewall,
        services: { fronts: firewall.services?.fronts ?? [], clusterCidrs: [parseCidr('10.0.0.0/8')] },
        masqueradesServicesOf: [parseCidr('10.6.0.0/16')],
      },
    });
    const found = ask(cluster('node1', ours), 'M1', '10.96.0.11', {
      port: 80,
      endpoints: [parseAddress('10.6.100.22')],
    });
    assert.equal(found.failure, undefined);
    const steps = found.request.hops.flatMap(({ steps }) => steps.map(({ text }) => text));
    assert.ok(steps.includes('our table masquerades what pods send to Services (ipMasq): from 10.6.212.101'));
    const direct = ask(cluster('node1', ours), 'M1', '10.244.1.31');
    assert.ok(direct.request.hops.every(({ steps }) => steps.every(({ kind }) => kind !== 'source NAT')));
  });

  test('fails when a Service has no endpoint for this node, and says why', () => {
    const found = ask(cluster('node1', withoutLocalEndpoints), 'client', '10.6.212.101', { port: 30_182 });
    assert.equal(
      found.failure,
      'node1: Service default/m-local has no endpoint on this node, and its policy is Local',
    );
  });

  test('fails with the kernel’s reason when there is no route, a refusing route, or no forwarding', () => {
    const view =
      (change: (routes: Place['view']['routes']) => Place['view']['routes']) => (place: Place) => ({
        view: { ...place.view, routes: change(place.view.routes) },
      });
    const none = view((routes) => routes.filter(({ destination }) => destination.prefixLength > 0));
    assert.equal(ask(cluster('M1', none), 'M1', '192.0.2.10').failure, 'M1: there is no route to 192.0.2.10');
    const refusing = view((routes) =>
      routes.map((route) =>
        route.destination.prefixLength === 0 ? { ...route, type: 'unreachable' as const } : route,
      ),
    );
    assert.equal(
      ask(cluster('M1', refusing), 'M1', '192.0.2.10').failure,
      'M1: the route to 192.0.2.10 is unreachable',
    );
    const still = (place: Place) => ({ view: { ...place.view, sysctls: new Map<string, string>() } });
    assert.equal(
      ask(cluster('node1', still), 'M1', C2).failure,
      'node1: it does not have the address 10.244.2.12, and it does not forward (ipv4 forwarding is 0)',
    );
  });

  test('fails when no machine answers for the next hop, or a neighbour entry has a MAC address of no machine', () => {
    assert.equal(
      ask(cluster(), 'M1', '10.6.99.99').failure,
      'M1: 10.6.99.99 dev eth0: no machine on that link answers for it',
    );
    const stale = (place: Place) => ({
      view: {
        ...place.view,
        neighbours: place.view.neighbours.map((each) => ({ ...each, mac: '0a:00:00:00:00:01' })),
      },
    });
    assert.equal(
      ask(cluster('M1', stale), 'M1', C2).failure,
      'M1: 10.6.212.101 dev veth0: no interface there has the MAC address 0a:00:00:00:00:01 of the neighbour entry',
    );
  });

  test('fails when the address belongs to another NIC of a pod that answers only for each link’s own address', () => {
    const { world, other } = withStray('0');
    assert.equal(ask(world, 'M2', other).works, true);
    assert.equal(
      ask(withStray('1').world, 'M2', other).failure,
      `M2: ${other} dev eth0: no machine on that link answers for it`,
    );
  });

  test('without veth0’s route a pod does not reach its own node, because a macvlan and its parent do not hear each other', () => {
    const plain = (place: Place) => ({
      view: { ...place.view, routes: place.view.routes.filter(({ dev }) => dev !== 'veth0') },
    });
    assert.match(
      ask(cluster('M1', plain), 'M1', '10.6.212.101').failure ?? '',
      /no machine on that link answers for it/,
    );
    assert.equal(ask(cluster('M1', plain), 'M1', '10.6.212.102').works, true);
  });

  test('without the reply marks a NodePort’s answer leaves by the LAN, and the client does not know its source', () => {
    const found = ask(
      cluster('M1', () => ({ firewall: {} })),
      'client',
      '10.6.212.101',
      {
        port: 30_182,
        endpoints: [parseAddress(M1)],
      },
    );
    assert.match(
      found.failure ?? '',
      /client sent to 10\.6\.212\.101:30182, but the answer comes from 10\.6\.100\.21/,
    );
  });

  test('beside an overlay, the overlay’s NIC answers the packets that the node forwards to net1’s address', () => {
    const asked = { port: 30_182 };
    const found = ask(cluster('node1', toNet1OfX1), 'client', '10.6.212.101', asked);
    assert.equal(found.works, true, found.failure);
    assert.match(traceText(found), /the connection came in by eth0: marked 0x1, and looked up again/);
    const world = cluster('node1', toNet1OfX1);
    const places = world.places.map((place) => (place.name === 'X1' ? { ...place, firewall: {} } : place));
    assert.match(
      ask({ ...world, places }, 'client', '10.6.212.101', asked).failure ?? '',
      /but the answer comes from 10\.6\.100\.41/,
    );
  });

  test('a connection to the overlay’s own address is not marked, because its rule leads the answer back', () => {
    assert.doesNotMatch(traceText(ask(cluster(), 'node1', '10.244.1.41')), /conntrack mark/);
  });

  test('a packet that loops ends the trace', () => {
    const circle = (place: Place) => ({
      view: {
        ...place.view,
        routes: place.view.routes.filter(({ destination }) => destination.prefixLength !== 32),
      },
    });
    const found = ask(
      cluster('node2', (place) => ({ view: circle(place).view })),
      'node1',
      '10.244.2.99',
    );
    assert.equal(found.works, false);
    assert.ok(found.request.hops.length <= 16);
    assert.equal(formatAddress(found.request.packet.source), '10.6.212.101');
  });
});

/** M1 with an address of its LAN on loopback, and how it answers ARP for that. */
function withStray(arpIgnore: string): { world: World; other: string } {
  const other = '10.6.100.99';
  const address = { dev: 'lo', address: parseCidr(`${other}/32`), scope: 'global' as const };
  const world = cluster('M1', ({ view }) => ({
    view: viewOf({
      links: view.links.filter(({ loopback }) => !loopback).map((link) => ({ ...link, mac: link.mac ?? '' })),
      addresses: [...view.addresses, address],
      routes: view.routes.filter(({ table }) => table !== 255),
      rules: view.rules.filter(({ protocol }) => protocol !== 2),
      neighbours: view.neighbours,
      sysctls: new Map([['ipv4/conf/eth0/arp_ignore', arpIgnore]]),
    }),
  }));
  return { world, other };
}

function withoutOurTable({ firewall: { halfOpenTo: _, ...firewall } }: Place): Partial<Place> {
  return { firewall };
}

function withoutLocalEndpoints({ firewall }: Place): Partial<Place> {
  const fronts = (firewall.services?.fronts ?? []).map((front) => ({
    ...front,
    endpoints: front.endpoints.filter(({ node }) => node !== 'node1'),
  }));
  return {
    firewall: { ...firewall, services: { fronts, clusterCidrs: firewall.services?.clusterCidrs ?? [] } },
  };
}

/** A Service of the node whose endpoint is the address of a NIC beside the overlay's. */
function toNet1OfX1({ firewall }: Place): Partial<Place> {
  const fronts = (firewall.services?.fronts ?? []).map((front) => ({
    ...front,
    endpoints: front.endpoints
      .slice(0, 1)
      .map((endpoint) => ({ ...endpoint, node: 'node1', address: parseAddress('10.6.100.41') })),
  }));
  return {
    firewall: { ...firewall, services: { fronts, clusterCidrs: firewall.services?.clusterCidrs ?? [] } },
  };
}
