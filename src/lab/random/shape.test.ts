import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nicsOf, POD_COUNT, type PodShape, podShapes, shapeText } from './shape.ts';

const nodes = ['node1', 'node2'] as const;
const all = Array.from({ length: 50 }, (_, seed) => podShapes(seed, nodes)).flat();

const families = (pod: PodShape) =>
  nicsOf(pod)
    .map((nic) => nic.families.join('+'))
    .join(' ');

test('a seed makes the same twenty pods each time, and another seed makes others', () => {
  assert.equal(podShapes(7, nodes).length, POD_COUNT);
  assert.deepEqual(podShapes(7, nodes), podShapes(7, nodes));
  assert.notDeepEqual(podShapes(7, nodes), podShapes(8, nodes));
});

test('fifty seeds have pods of every number of NICs, with and without an overlay, on every node', () => {
  for (const overlay of [undefined, '4,6', '4', '6']) {
    const pods = all.filter((pod) => pod.overlay?.join() === overlay);
    const most = overlay === undefined ? [1, 2, 3] : [1, 2];
    assert.deepEqual([...new Set(pods.map(({ nics }) => nics.length))].toSorted(), most);
    assert.deepEqual([...new Set(pods.map(({ node }) => node))].toSorted(), [...nodes]);
  }
});

test('fifty seeds have the families of the NICs in every order', () => {
  const underlay = all.filter(({ overlay }) => overlay === undefined);
  const choices = ['4', '6', '4+6'];
  const orders = choices.flatMap((a) => choices.flatMap((b) => choices.map((c) => `${a} ${b} ${c}`)));
  const found = new Set(underlay.filter(({ nics }) => nics.length === 3).map(families));
  assert.deepEqual(
    orders.filter((order) => !found.has(order)),
    [],
  );
});

test('fifty seeds have the LANs in every order, and never two NICs on one LAN', () => {
  const orders = new Set(all.map(({ nics }) => nics.map(({ lan }) => lan).join()));
  assert.equal(orders.size, 3 + 6 + 6);
  for (const { nics } of all) assert.equal(new Set(nics.map(({ lan }) => lan)).size, nics.length);
});

test('fifty seeds have NICs of each place with and without gateway and policy routes', () => {
  for (const place of [0, 1, 2]) {
    const nics = all.flatMap((pod) => pod.nics[place] ?? []);
    const kinds = new Set(nics.map(({ gateway, policyRoutes }) => `${gateway} ${policyRoutes}`));
    assert.equal(kinds.size, 4, `NIC ${place}`);
  }
  const without = all.filter(
    ({ overlay, nics }) => overlay === undefined && nics.every((nic) => !nic.gateway),
  );
  assert.ok(without.length > 10, 'pods without any default route');
});

test('fifty seeds have every value of each coordinator option', () => {
  const values = (of: (pod: PodShape) => unknown) => [...new Set(all.map(of))].map(String).toSorted();
  assert.deepEqual(
    values(({ rpFilter }) => rpFilter),
    ['-1', '0', '1', '2'],
  );
  assert.deepEqual(
    values(({ mode }) => mode),
    ['auto', 'overlay', 'underlay'],
  );
  assert.deepEqual(
    values(({ tunePodRoutes }) => tunePodRoutes),
    ['false', 'true'],
  );
  assert.deepEqual(
    values(({ defaultNic }) => defaultNic),
    ['eth0', 'net1', 'net2', 'undefined'],
  );
});

test('the NIC that keeps the default route is one of the pod', () => {
  for (const pod of all) {
    const names = nicsOf(pod).map(({ name }) => name);
    assert.ok(pod.defaultNic === undefined || names.includes(pod.defaultNic), shapeText(pod));
  }
});

test('a pod is described in one line', () => {
  const pod: PodShape = {
    name: 'r1',
    node: 'node2',
    overlay: [4],
    nics: [{ lan: 'lan2', families: [4, 6], gateway: false, policyRoutes: true }],
    defaultNic: 'net1',
    mode: 'auto',
    rpFilter: 2,
    tunePodRoutes: false,
  };
  assert.equal(
    shapeText(pod),
    'r1 (node2): eth0 overlay IPv4, net1 lan2 IPv4+IPv6 without gateway with policy routes; ' +
      'mode auto, podRPFilter 2, default-route-nic net1, tunePodRoutes false',
  );
});
