import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DualStack, labNodes } from '../addressing.ts';
import { machinePlaces } from '../trial/cast.ts';
import type { Place } from '../trial/cells.ts';
import type { MatrixCast, MatrixPod } from './cast.ts';
import { podName, serviceName } from './objects.ts';
import { cellsOf, type MatrixCell } from './paths.ts';
import { letterOf, nicsOf, type PodKind, type PodKindName, podKinds } from './pod-kinds.ts';
import { rows, SEVERAL_NICS_ROW } from './rows.ts';

const nodes = labNodes(2);
const machines = machinePlaces(nodes, '/lab-probe');
const prefix = { overlay: '10.244.0', lan: '10.6.1', lan2: '10.7.1' } as const;

function addressOf(network: keyof typeof prefix, number: number): DualStack {
  return { 4: `${prefix[network]}.${number}`, 6: `fd00:${network.length}::${number}` };
}

function pod(kind: PodKind, number: number, node: (typeof nodes)[number]): MatrixPod {
  const name = podName(kind, node.name);
  const nics = nicsOf(kind).map((nic) => ({ ...nic, address: addressOf(nic.network, number) }));
  const place: Place = {
    name,
    kind: letterOf(kind) === 'M' ? 'underlay pod' : 'overlay pod',
    node: node.name,
    address: nics[0]?.address ?? addressOf('lan', number),
    port: 8080,
    probe: [name],
  };
  const clusterIp = { 4: `10.96.0.${number}`, 6: `fd00:10:96::${number}` };
  const service = (policy: 'Cluster' | 'Local') => ({
    name: serviceName(kind, node.name, policy),
    clusterIp,
    nodePort: 30_000 + number,
  });
  return { kind, node, place, nics, services: { Cluster: service('Cluster'), Local: service('Local') } };
}

const cast: MatrixCast = {
  nodes,
  machine: ({ name }) => machines.find((place) => place.name === name) as Place,
  client: machines.find(({ kind }) => kind === 'client') as Place,
  servesSockets: false,
  pods: podKinds.flatMap((kind, i) => nodes.map((node, j) => pod(kind, 10 + 2 * i + j, node))),
};

const all = (natOutgoing: boolean, encapsulation: 'none' | 'vxlan' = 'none') =>
  rows.flatMap((row) => cellsOf(row, cast, { natOutgoing, encapsulation }));
const natted = all(true);
const plain = all(false);

function one(cells: readonly MatrixCell[], row: number, from: string, to: string): MatrixCell {
  const found = cells.find(
    (cell) =>
      cell.rows[0] === row &&
      cell.from.name === from &&
      cell.to === to &&
      cell.family === 4 &&
      cell.protocol === 'udp',
  );
  assert.ok(found !== undefined, `row ${row}: no ${from} → ${to}`);
  return found;
}

const address = (kind: PodKindName, node: string, nic: string) =>
  cast.pods
    .find((candidate) => candidate.kind.name === kind && candidate.node.name === node)
    ?.nics.find(({ name }) => name === nic)?.address[4];

test('all thirty rows are tried in both families, with ICMP where possible, TCP and UDP', () => {
  const numbers = new Set(natted.flatMap((cell) => cell.rows));
  assert.deepEqual(
    [...numbers].toSorted((a, b) => a - b),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  for (const cells of Map.groupBy(natted, ({ from, to }) => `${from.name} ${to}`).values()) {
    const tried = new Set(cells.map(({ family, protocol }) => `${family}${protocol}`));
    assert.equal(tried.size, /ClusterIP|NodePort/.test(cells[0]?.to ?? '') ? 4 : 6);
  }
});

test('no pod sends to itself, and no path is tried twice', () => {
  const names = natted.map(({ rows: [row], from, to, family, protocol }) =>
    [row, from.name, to, family, protocol].join(' '),
  );
  assert.equal(new Set(names).size, names.length);
  for (const { from, to } of natted) assert.notEqual(from.name.split(' ')[0], to.split(' ')[0]);
});

test('rows that rp_filter can affect are tried from a node that sets it and from one that does not', () => {
  for (const row of rows.filter(({ axes }) => axes.includes('rpFilter'))) {
    const cells = cellsOf(row, cast, { natOutgoing: true, encapsulation: 'none' });
    const homes = new Set(
      cells.map(({ from, to }) => (from === cast.client ? /node\d/.exec(to)?.[0] : from.node)),
    );
    assert.equal(homes.size, 2, `row ${row.number}`);
  }
});

test('the paths of a pod with two underlay NICs are part of row 30', () => {
  const several = natted.filter((cell) => cell.rows.includes(SEVERAL_NICS_ROW));
  assert.ok(several.length > 0);
  assert.ok(several.every(({ from, to }) => /\b(mm|xx)/.test(`${from.name} ${to}`)));
});

test('an overlay pod leaves the overlay with its node’s address under natOutgoing, and with its own without', () => {
  const way = [10, 'c-node1', 'm-node2 eth0'] as const;
  assert.equal(one(natted, ...way).source, nodes[0]?.address[4]);
  assert.equal(one(plain, ...way).source, address('c', 'node1', 'eth0'));
});

test('a pod on the LAN of its destination sends from there, and another pod from the NIC with the default route', () => {
  assert.equal(one(natted, 12, 'x-node1', 'm-node2 eth0').source, address('x', 'node1', 'net1'));
  assert.equal(one(natted, 13, 'x-node1', 'm-lan2-node2 eth0').source, nodes[0]?.address[4]);
  assert.equal(
    one(natted, 13, 'x-net1-node1', 'm-lan2-node2 eth0').source,
    address('x-net1', 'node1', 'net1'),
  );
  assert.equal(one(natted, 12, 'xx-node1', 'm-lan2-node2 eth0').source, address('xx', 'node1', 'net2'));
});

test('a socket that is bound to a NIC’s address keeps it, unless somebody masquerades', () => {
  assert.equal(one(natted, 11, 'x-node1 from net1', 'c-node2 eth0').source, address('x', 'node1', 'net1'));
  assert.equal(one(natted, 24, 'x-node1 from net1', 'ClusterIP c-node2').source, nodes[0]?.address[4]);
  assert.equal(
    one(natted, 24, 'x-node1 from eth0', 'ClusterIP c-node2').source,
    address('x', 'node1', 'eth0'),
  );
  assert.equal(one(natted, 13, 'x-node1 from eth0', 'm-node2 eth0').source, nodes[0]?.address[4]);
});

test('a NodePort shows the client with policy Local, and the requested node with policy Cluster', () => {
  assert.equal(one(natted, 26, 'client', 'NodePort mm-net1-node1-local at node1').source, '192.0.2.10');
  assert.equal(one(natted, 27, 'client', 'NodePort m-node2 at node1').source, nodes[0]?.address[4]);
  assert.equal(one(natted, 26, 'c-node1', 'NodePort m-node1-local at node1').source, nodes[0]?.address[4]);
  assert.equal(
    one(plain, 26, 'c-node1', 'NodePort m-node2-local at node2').source,
    address('c', 'node1', 'eth0'),
  );
});

test('packets that a node masquerades into the tunnel have the tunnel’s address', () => {
  const tunnelled = all(true, 'vxlan');
  const node1 = nodes[0];
  assert.equal(one(tunnelled, 20, 'm-node1', 'ClusterIP c-node2').source, node1?.tunnelAddress[4]);
  assert.equal(one(tunnelled, 20, 'm-node1', 'ClusterIP c-node1').source, node1?.address[4]);
  assert.equal(one(tunnelled, 22, 'm-node1', 'ClusterIP m-node2').source, node1?.address[4]);
  assert.equal(one(tunnelled, 28, 'client', 'NodePort x-node2 at node1').source, node1?.tunnelAddress[4]);
});

test('the only impossible path is a NodePort with policy Local at a node without its endpoint', () => {
  const impossible = natted.filter((cell) => cell.impossible !== undefined);
  assert.ok(impossible.length > 0);
  for (const { from, to } of impossible) {
    assert.equal(from.name, 'client');
    const [, endpoint, asked] = /-(node\d)-local at (node\d)$/.exec(to) ?? [];
    assert.notEqual(endpoint, asked);
  }
});
