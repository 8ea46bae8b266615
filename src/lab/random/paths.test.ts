import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labNodes } from '../addressing.ts';
import { branchPlace, machinePlaces } from '../trial/cast.ts';
import type { RandomCast, RandomPod } from './cast.ts';
import { randomPaths } from './paths.ts';
import { nicServices, serviceOf, slicesOf } from './services.ts';
import { nicsOf, type PodShape, podShapes } from './shape.ts';

const nodes = labNodes(2);
const machines = [...machinePlaces(nodes, '/lab-probe'), branchPlace('/lab-probe')];

function pod(shape: PodShape, number: number): RandomPod {
  const nics = nicsOf(shape).map((nic, i) => ({
    ...nic,
    addresses: Object.fromEntries(
      nic.families.map((f) => [f, f === 4 ? `10.9.${number}.${i}` : `fd00:9:${number}::${i}`]),
    ),
  }));
  return { shape, asker: { name: shape.name, probe: [shape.name] }, nics };
}

const cast: RandomCast = {
  nodes,
  pods: podShapes(3, ['node1', 'node2']).map(pod),
  overlayPods: nodes.map(({ name }, i) => ({
    ...{ name: `c-${name}`, node: name, asker: { name: `c-${name}`, probe: [name] } },
    addresses: { 4: `10.244.1.${i}`, 6: `fd00:10:244::${i}` },
  })),
  machine: (name) => {
    const place = machines.find((each) => each.name === name);
    assert.ok(place !== undefined, name);
    return { asker: place, addresses: place.address };
  },
};
const services = nicServices(cast);
const paths = randomPaths(cast, services);

test('each node asks every address of every NIC, and both clients and the router ask those of a LAN', () => {
  for (const { shape, nics } of cast.pods) {
    for (const nic of nics) {
      for (const family of nic.families) {
        const askers = paths
          .filter(({ address, protocol }) => address === nic.addresses[family] && protocol === 'tcp')
          .map(({ from }) => from.name);
        const wanted = ['node1', 'node2', ...(nic.shape === undefined ? [] : ['client', 'branch', 'router'])];
        assert.deepEqual(
          wanted.filter((name) => !askers.includes(name)),
          [],
          `${shape.name} ${nic.name}`,
        );
      }
    }
  }
});

test('every NIC is the endpoint of a NodePort that both clients ask', () => {
  for (const { shape, nics } of cast.pods) {
    for (const { name, families } of nics) {
      for (const policy of ['', '-local']) {
        const to = `NodePort ${shape.name}-${name}${policy} at ${shape.node}`;
        const asked = paths.filter((path) => path.to === to);
        assert.equal(asked.length, 2 * 2 * families.length, to);
      }
    }
  }
});

test('every pod asks from each of its addresses and from none, and no path is tried twice', () => {
  for (const { shape, asker, nics } of cast.pods) {
    const own = paths.filter(({ place, to }) => place === `default/${asker.name}` && to === 'client');
    const binds = new Set(own.map(({ bind }) => bind));
    const addresses = nics.flatMap(({ addresses: each }) => Object.values(each));
    assert.deepEqual(
      [...addresses, undefined].filter((each) => !binds.has(each)),
      [],
      shape.name,
    );
  }
  const keys = paths.map(({ from, to, family, protocol, bind }) =>
    [from.name, to, family, protocol, bind].join(),
  );
  assert.equal(new Set(keys).size, keys.length);
});

test('each Service has the families of its NIC, its own addresses and ports, and one endpoint per family', () => {
  const all = [...services.values()].flat();
  const made = all.map(serviceOf);
  const taken = made.flatMap(({ spec }) => [...(spec?.clusterIPs ?? []), String(spec?.ports?.[0]?.nodePort)]);
  assert.equal(new Set(taken).size, taken.length);
  for (const service of all) {
    const slices = slicesOf(service);
    assert.equal(slices.length, Object.keys(service.endpoint).length);
    assert.ok(slices.every(({ endpoints }) => endpoints?.length === 1));
  }
});
