// Twenty writers of one port in three processes that are killed at any time, and another program that changes the port
// between a read and a write of ours, with the real Neutron.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Random, systemClock } from '#base';
import type { CloudClient } from '#openstack';
import { LedgerFile, type PortAddresses } from '#openstack/own-port';
import { type AroundCall, addressesOf, neutronWith } from './keepers.ts';
import { Api, client, isLong, makeNetwork, type PortObject } from './scene.ts';
import { runWriter } from './writer-process.ts';

interface VmPort extends PortObject {
  readonly name: string;
  readonly tags: readonly string[];
  readonly allowed_address_pairs: readonly { readonly ip_address: string }[];
}

/** Processes that are killed while they work. */
const KILLS = isLong ? 200 : 12;

let api: Api;
let cloud: CloudClient;
let folder: string;
let networkId: string;
let subnetId: string;
let port: PortObject;
/** The node's own address. */
let own: string;

before(async () => {
  api = await Api.of();
  cloud = client();
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-writers-'));
  ({ networkId, subnetId } = await makeNetwork(api, 'writers', '10.44.0.0/24'));
});
after(() => {
  cloud.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  port = await api.make<PortObject>('port', { network_id: networkId, description: 'of the operator' });
  own = port.fixed_ips[0]?.ip_address ?? '';
});

const node = () => mkdtempSync(join(folder, 'node-'));
const owners = (count: number, of: string) => Array.from({ length: count }, (_, i) => `${of}-${i}`);
const change = (fields: object) => api.neutron('PUT', `/ports/${port.id}`, { port: fields });

async function portNow(): Promise<VmPort> {
  return (await api.neutron<{ port: VmPort }>('GET', `/ports/${port.id}`)).port;
}

async function onPort(): Promise<string[]> {
  return (await portNow()).fixed_ips.map(({ ip_address }) => ip_address).toSorted();
}

function addresses(place: string, around: AroundCall = {}): PortAddresses {
  return addressesOf({
    ...{ mode: 'fixed-ips', networkId, portId: port.id, nodeAddresses: [own], warm: { low: 0, high: 0 } },
    file: new LedgerFile(place, port.id, systemClock),
    neutron: neutronWith(cloud, around),
  });
}

/** All owners give back what they have, and it is taken off the port. */
async function give(here: PortAddresses): Promise<void> {
  await here.release(() => true, 0);
  await here.tend([subnetId]);
}

test('twenty writers in three processes survive kill -9 at random points', async (t) => {
  const place = node();
  const file = new LedgerFile(place, port.id, systemClock);
  const where = { mode: 'fixed-ips', portId: port.id, networkId, subnetId, folder: place, warm: 2 } as const;
  const sets = [owners(7, 'a'), owners(7, 'b'), owners(6, 'c')];
  const random = new Random(7);
  // Another program's address, which each write has to keep.
  const foreign = '10.44.0.200';
  await change({ fixed_ips: [own, foreign].map((ip_address) => ({ subnet_id: subnetId, ip_address })) });
  let kills = 0;
  let rounds = 0;
  for (; kills < KILLS; rounds++) {
    assert.ok(rounds < 4 * KILLS, `only ${kills} were killed`);
    const said = await Promise.all(
      sets.map((set) => {
        const at = random.below(4) === 0 ? 'request 1' : `step ${1 + random.below(20)}`;
        const words = set.filter(() => random.below(3) > 0);
        return runWriter(where, at, random.pick(['take', 'take', 'give', 'keep']), ...words);
      }),
    );
    kills += said.filter((one) => one === undefined).length;
    const { addresses: known } = await file.read();
    assert.equal(
      new Set(known.map(({ address }) => address)).size,
      known.length,
      'an address is there twice',
    );
    const held = known.flatMap((one) => (one.missing || one.leaving ? [] : (one.owner ?? [])));
    assert.equal(new Set(held).size, held.length, 'an owner has two addresses');
  }
  t.diagnostic(`${kills} processes were killed in ${rounds} rounds`);
  const here = addresses(place);
  const taken = await Promise.all(sets.flat().map((owner) => here.take(owner, subnetId)));
  await here.tend([subnetId]);
  assert.equal(new Set(taken).size, 20, taken.join(' '));
  assert.deepEqual(await onPort(), [own, foreign, ...taken].toSorted());
  await give(here);
  assert.deepEqual(await onPort(), [own, foreign].toSorted());
  assert.deepEqual((await file.read()).unsure, []);
});

describe('another program that changes the port between our read and our write', () => {
  test('keeps its security groups, pairs, description, name and tags, and pods get addresses', async () => {
    const group = await api.make('security-group', { name: 'operator' });
    const changes: readonly (readonly [what: string, run: () => Promise<unknown>])[] = [
      ['groups', () => change({ security_groups: [group.id] })],
      ['pairs', () => change({ allowed_address_pairs: [{ ip_address: '10.98.0.0/16' }] })],
      ['description', () => change({ description: 'new words of the operator' })],
      ['name', () => change({ name: 'renamed' })],
      ['tags', () => api.neutron('PUT', `/ports/${port.id}/tags`, { tags: ['of-the-operator'] })],
    ];
    let next: (() => Promise<unknown>) | undefined;
    const here = addresses(node(), {
      before: async (name) => {
        if (name !== 'updatePort') return;
        const run = next;
        next = undefined;
        await run?.();
      },
    });
    const taken: string[] = [];
    for (const [what, run] of changes) {
      next = run;
      taken.push(await here.take(what, subnetId));
      assert.equal(next, undefined, `${what} did not change meanwhile`);
    }
    assert.equal(new Set(taken).size, changes.length);
    assert.deepEqual(await onPort(), [own, ...taken].toSorted());
    // The same while addresses leave the port.
    next = () => change({ name: 'renamed again' });
    await give(here);
    assert.equal(next, undefined);
    assert.deepEqual(await onPort(), [own]);
    const now = await portNow();
    assert.deepEqual(now.security_groups, [group.id]);
    const pairs = now.allowed_address_pairs.map(({ ip_address }) => ip_address);
    assert.deepEqual(pairs, ['10.98.0.0/16']);
    assert.match(now.description, /^new words of the operator \[orbweaver \S+\]$/);
    assert.equal(now.name, 'renamed again');
    assert.deepEqual(now.tags, ['of-the-operator']);
  });
});
