// Addresses of pods on the port of a VM, with the real Neutron: many writers, deaths, lost answers, other programs.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isOrbError, OrbError, silentLogger, systemClock } from '#base';
import type { CloudClient } from '#openstack';
import { FixedIps, type FixedIpsParts, LedgerFile, PortAddresses } from '#openstack/own-port';
import type { WarmLimits } from '#plan/openstack';
import { killPoints } from './kill-points.ts';
import { Api, client, makeNetwork, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';
import { runWriter, type Said } from './writer-process.ts';

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
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-port-'));
  ({ networkId, subnetId } = await makeNetwork(api, 'pods', '10.40.0.0/24'));
});
after(() => {
  cloud.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  const description = 'of the operator';
  port = await api.make<PortObject>('port', { network_id: networkId, description });
  own = port.fixed_ips[0]?.ip_address ?? '';
});

/** A folder of a node's ledgers. */
const node = () => mkdtempSync(join(folder, 'node-'));

/** Runs a writer to its end. Undefined if it died. */
async function writer(place: string, dieAt: string, ...words: readonly string[]): Promise<Said | undefined> {
  return warmWriter(0, place, dieAt, ...words);
}

/** The same, which keeps so many addresses ready. */
function warmWriter(
  warm: number,
  place: string,
  dieAt: string,
  ...words: readonly string[]
): Promise<Said | undefined> {
  const where = { mode: 'fixed-ips', portId: port.id, networkId, subnetId, folder: place, warm } as const;
  return runWriter(where, dieAt, ...words);
}

function addresses(place: string, change: Partial<FixedIpsParts & { warm: WarmLimits }> = {}): PortAddresses {
  const file = new LedgerFile(place, port.id, systemClock);
  const common = { neutron: cloud.neutron, file, portId: port.id, clock: systemClock, log: silentLogger };
  const parts = { ...common, nodeAddresses: [own], warm: { low: 0, high: 0 }, ...change };
  return new PortAddresses({ ...parts, keeper: new FixedIps(parts) });
}

/** Neutron through our client, with some answers changed. */
function neutronWith(change: Partial<FixedIpsParts['neutron']>): FixedIpsParts['neutron'] {
  return {
    port: (...words) => cloud.neutron.port(...words),
    updatePort: (...words) => cloud.neutron.updatePort(...words),
    floatingIpsOf: (...words) => cloud.neutron.floatingIpsOf(...words),
    disassociate: (...words) => cloud.neutron.disassociate(...words),
    ...change,
  };
}

const unreachable = () => Promise.reject(new OrbError('OPENSTACK_UNREACHABLE', { message: 'no answer' }));
const away = neutronWith({ port: unreachable, updatePort: unreachable, floatingIpsOf: unreachable });
const isUnreachable = (error: unknown) => isOrbError(error, 'OPENSTACK_UNREACHABLE');

/** An operator takes an address off the port. */
async function removeFromPort(address: string): Promise<void> {
  const kept = (await onPort()).filter((one) => one !== address);
  const fixed_ips = kept.map((ip_address) => ({ subnet_id: subnetId, ip_address }));
  await api.neutron('PUT', `/ports/${port.id}`, { port: { fixed_ips } });
}

/** These owners give back what they have, all of them if none is named, and it is taken off the port. */
async function give(here: PortAddresses, ...owners: readonly string[]): Promise<void> {
  await here.release(({ owner }) => owners.length === 0 || owners.includes(owner), 0);
  await here.tend([subnetId]);
}

async function onPort(): Promise<string[]> {
  const { port: now } = await api.neutron<{ port: PortObject }>('GET', `/ports/${port.id}`);
  return now.fixed_ips.map(({ ip_address }) => ip_address).toSorted();
}

const owners = (count: number, of = 'pod') => Array.from({ length: count }, (_, i) => `${of}-${i}`);

/** Each has an address of its own, and the port has these and the node's. */
async function checkAddresses(taken: readonly string[]): Promise<void> {
  assert.equal(new Set(taken).size, taken.length, `an address was given twice: ${taken.join(' ')}`);
  assert.deepEqual(await onPort(), [own, ...taken].toSorted());
}

async function checkTaken(said: readonly (Said | undefined)[], count: number): Promise<void> {
  const taken = said.flatMap((one) => one?.taken ?? []).map(([, address]) => address);
  assert.equal(taken.length, count);
  await checkAddresses(taken);
}

describe('writers of one port', () => {
  test('twenty in three processes of a node get an address each, and nothing is lost', async () => {
    const place = node();
    const sets = [owners(7, 'a'), owners(7, 'b'), owners(6, 'c')];
    await checkTaken(await Promise.all(sets.map((set) => writer(place, 'never', 'take', ...set))), 20);
    await writer(place, 'never', 'keep');
    assert.deepEqual(await onPort(), [own]);
  });

  test('three that share no ledger and no lock, as on three nodes, get an address each', async () => {
    const places = [node(), node(), node()];
    const take = (place: string, i: number) => writer(place, 'never', 'take', ...owners(4, `node${i}`));
    await checkTaken(await Promise.all(places.map(take)), 12);
    await Promise.all(places.map((place) => writer(place, 'never', 'keep')));
    assert.deepEqual(await onPort(), [own]);
  });

  test('one that another comes before is refused by Neutron, and tries again on what it finds then', async () => {
    const other = addresses(node());
    let taken: string | undefined;
    const neutron = neutronWith({
      updatePort: async (...words) => {
        taken ??= await other.take('other', subnetId);
        return await cloud.neutron.updatePort(...words);
      },
    });
    const here = addresses(node(), { neutron });
    const address = await here.take('pod', subnetId);
    await checkAddresses([taken ?? '', address]);
    await give(here);
    await checkAddresses([taken ?? '']);
  });

  test('wishes at once are one write, and the same owner gets the same address', async () => {
    const place = node();
    const said = await writer(place, 'never', 'take', ...owners(20));
    assert.equal(said?.requests, 1);
    const again = await writer(place, 'never', 'take', ...owners(20));
    assert.equal(again?.requests, 0);
    assert.deepEqual(again?.taken, said?.taken);
  });

  test("the description keeps the operator's words", async () => {
    const place = node();
    await addresses(place).take('pod', subnetId);
    await addresses(place).take('other', subnetId);
    const { port: now } = await api.neutron<{ port: PortObject }>('GET', `/ports/${port.id}`);
    assert.match(now.description, /^of the operator \[orbweaver [0-9a-f]{8}-2\]$/);
  });
});

describe('a writer that is killed', () => {
  for (const verb of ['take', 'give'] as const) {
    test(`at any step of ${verb} leaves nothing behind that the next does not know`, async (t) => {
      for (const step of killPoints(t)) {
        const place = node();
        const next = addresses(place);
        if (verb === 'give') await next.take('pod', subnetId);
        const said = await writer(place, `step ${step}`, verb, 'pod');
        if (said !== undefined) {
          assert.ok(step > 4, `${verb} has only ${said.steps} steps`);
          await give(next);
          return;
        }
        if (verb === 'take') await checkAddresses([await next.take('pod', subnetId)]);
        await give(next, 'pod');
        assert.deepEqual(await onPort(), [own], `after ${verb}, step ${step}`);
        await give(next);
        assert.deepEqual(await onPort(), [own], `after ${verb}, step ${step}`);
      }
    });
  }

  test('while its request is under way gets no second address, and no other does', async () => {
    for (let round = 0; round < 5; round++) {
      const place = node();
      assert.equal(await writer(place, 'request 1', 'take', 'pod'), undefined);
      const next = addresses(place);
      await checkAddresses(await Promise.all(['pod', 'other'].map((owner) => next.take(owner, subnetId))));
      await give(next);
      assert.deepEqual(await onPort(), [own]);
    }
  });
});

describe('Neutron', () => {
  test('that does what it was asked, and does not say so, gives no address twice', async () => {
    const place = node();
    let lost = 0;
    const neutron = neutronWith({
      updatePort: async (...words) => {
        const changed = await cloud.neutron.updatePort(...words);
        if (lost++ === 0) throw new OrbError('OPENSTACK_UNREACHABLE', { message: 'no answer' });
        return changed;
      },
    });
    const shaky = addresses(place, { neutron });
    const fields = { network_id: networkId, cidr: '10.43.0.0/24', ip_version: 4 };
    const { id: other } = await api.make('subnet', fields);
    const first = shaky.take('pod', subnetId);
    // In the same batch, and after the answer that was lost.
    const second = shaky.take('second', other);
    await assert.rejects(first, isUnreachable);
    await checkAddresses([await second, await shaky.take('pod', subnetId)]);
    await give(shaky);
    assert.deepEqual(await onPort(), [own]);
    await api.neutron('DELETE', `/subnets/${other}`);
  });

  test('without enough free addresses gives all that it has and says so, and other subnets go on', async () => {
    const fields = { network_id: networkId, cidr: '10.41.0.0/29', ip_version: 4 };
    const { id: small } = await api.make('subnet', fields);
    const here = addresses(node());
    const wishes = owners(8).map((owner) => here.take(owner, small));
    const elsewhere = here.take('elsewhere', subnetId);
    const results = await Promise.allSettled(wishes);
    const taken = results.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    assert.equal(taken.filter((address) => address.startsWith('10.41.0.')).length, 5);
    for (const one of results)
      assert.ok(one.status === 'fulfilled' || isOrbError(one.reason, 'OPENSTACK_SUBNET_FULL'));
    assert.match(await elsewhere, /^10\.40\.0\./);
    await checkAddresses([...taken, await elsewhere]);
    await give(here);
    await api.neutron('DELETE', `/subnets/${small}`);
  });

  test('that gives an address of its own choice, as with SLAAC, is no free address', async () => {
    const { networkId: dual } = await makeNetwork(api, 'dual', '10.42.0.0/24');
    const slaac = { ip_version: 6, ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' };
    const fields = { network_id: dual, cidr: 'fd00:42::/64', ...slaac };
    const { id: automatic } = await api.make('subnet', fields);
    port = await api.make<PortObject>('port', { network_id: dual });
    const before = await onPort();
    await assert.rejects(addresses(node()).take('pod', automatic), (error) =>
      isOrbError(error, 'OPENSTACK_REFUSED'),
    );
    assert.deepEqual(await onPort(), before);
  });

  test('keeps what other programs change meanwhile', async () => {
    const here = addresses(node());
    const address = await here.take('pod', subnetId);
    const before = await onPort();
    const list = before.map((ip_address) => ({ subnet_id: subnetId, ip_address }));
    const allowed_address_pairs = [{ ip_address: '10.99.0.0/16' }];
    // Neutron chooses the other program's address: any fixed one may be given to a pod already.
    const change = {
      fixed_ips: [...list, { subnet_id: subnetId }],
      ...{ allowed_address_pairs, security_groups: [] },
    };
    await api.neutron('PUT', `/ports/${port.id}`, { port: change });
    const [theirs = ''] = (await onPort()).filter((each) => !before.includes(each));
    const second = await here.take('second', subnetId);
    await give(here, 'pod');
    assert.deepEqual(await onPort(), [own, second, theirs].toSorted());
    assert.notEqual(second, theirs);
    const { port: now } = await api.neutron<{ port: PortObject & { allowed_address_pairs: unknown[] } }>(
      'GET',
      `/ports/${port.id}`,
    );
    assert.equal(now.allowed_address_pairs.length, 1);
    assert.deepEqual(now.security_groups, []);
    assert.ok(address !== second);
    await give(here);
    assert.deepEqual(await onPort(), [own, theirs].toSorted());
  });

  test('lets no floating IP lead to an address that was given back', async () => {
    const here = addresses(node());
    const address = await here.take('pod', subnetId);
    const operator = await Api.of(admin);
    const outside = await operator.make('network', { name: 'outside', 'router:external': true });
    await operator.make('subnet', { network_id: outside.id, cidr: '198.51.100.0/24', ip_version: 4 });
    const external_gateway_info = { network_id: outside.id };
    const router = await api.make('router', { name: 'router', external_gateway_info });
    await api.neutron('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnetId });
    const fields = { floating_network_id: outside.id, port_id: port.id, fixed_ip_address: address };
    const floating = await api.make('floatingip', fields);
    await give(here, 'pod');
    const { floatingip } = await api.neutron<{ floatingip: { port_id: string | null } }>(
      'GET',
      `/floatingips/${floating.id}`,
    );
    assert.equal(floatingip.port_id, null);
    // Tests of other files count the floating IPs of the project.
    await api.neutron('DELETE', `/floatingips/${floating.id}`);
    assert.deepEqual(await onPort(), [own]);
  });
});

describe('before it serves anybody, a program', () => {
  test('asks the port: one that cannot be asked serves nobody, whatever the ledger has ready', async () => {
    const place = node();
    const warm = { low: 2, high: 2 };
    await addresses(place, { warm }).tend([subnetId]);
    assert.equal((await onPort()).length, 3);
    await assert.rejects(addresses(place, { neutron: away }).take('pod', subnetId), isUnreachable);
    const next = addresses(place);
    await next.reconcile();
    assert.ok((await onPort()).includes(await next.take('pod', subnetId)));
    await give(next);
    assert.deepEqual(await onPort(), [own]);
  });

  test('forgets what an operator took off the port: nobody gets it, and its owner gets another one', async () => {
    const place = node();
    const warm = { low: 1, high: 1 };
    const before = addresses(place, { warm });
    const removed = await before.take('pod', subnetId);
    const [free] = (await onPort()).filter((address) => ![own, removed].includes(address));
    assert.ok(free !== undefined);
    await removeFromPort(removed);
    await removeFromPort(free);
    const next = addresses(place);
    const taken = [await next.take('pod', subnetId), await next.take('other', subnetId)];
    await checkAddresses(taken);
    assert.ok(await next.holds('pod', taken[0] ?? ''));
    assert.ok(!(await next.holds('pod', removed)));
    await give(next);
    assert.deepEqual(await onPort(), [own]);
  });

  test('adopts what a write has added of which nobody heard the end', async () => {
    const place = node();
    assert.equal(await writer(place, 'request 1', 'take', 'pod'), undefined);
    const next = addresses(place);
    await next.reconcile();
    const adopted = (await onPort()).filter((address) => address !== own);
    const refusing = neutronWith({ updatePort: () => assert.fail('a second address was asked for') });
    if (adopted.length > 0) {
      const later = addresses(place, { neutron: refusing });
      assert.deepEqual([await later.take('other', subnetId)], adopted);
    }
    await give(next);
    assert.deepEqual(await onPort(), [own]);
  });

  test('leaves alone what a lost ledger had, and says so', async () => {
    const stray = await addresses(node()).take('pod', subnetId);
    const said: string[] = [];
    const log = { ...silentLogger, warn: (_: unknown, message: string) => void said.push(message) };
    const next = addresses(node(), { log });
    const taken = await next.take('pod', subnetId);
    assert.notEqual(taken, stray);
    assert.match(said.join(), new RegExp(`openstack port unset --fixed-ip ip-address=${stray} ${port.id}`));
    await give(next);
    assert.deepEqual(await onPort(), [own, stray].toSorted());
  });

  test('needs a port: one that is gone is said, and what left the ledger with it needed two looks', async () => {
    const place = node();
    const before = addresses(place);
    await before.take('pod', subnetId);
    let looks = 0;
    const clock = { ...systemClock, sleep: async () => {} };
    const neutron = neutronWith({
      port: async (id) => {
        looks++;
        return looks === 1 ? { is: 'absent' } : await cloud.neutron.port(id);
      },
    });
    await addresses(place, { neutron, clock }).reconcile();
    assert.equal(
      await before.take('pod', subnetId),
      (await onPort()).find((one) => one !== own),
    );
    await api.neutron('DELETE', `/ports/${port.id}`);
    await assert.rejects(addresses(place).take('pod', subnetId), (error) =>
      isOrbError(error, 'OPENSTACK_NOT_FOUND'),
    );
    await give(before);
    assert.deepEqual((await new LedgerFile(place, port.id, systemClock).read()).addresses, []);
  });
});

describe('addresses that are kept ready', () => {
  const warm = { low: 4, high: 8 };

  test('are given without a request, also while Neutron is away, and come back in one write', async () => {
    const place = node();
    let puts = 0;
    let isAway = false;
    const neutron = neutronWith({
      port: (...words) => (isAway ? unreachable() : cloud.neutron.port(...words)),
      updatePort: async (...words) => {
        puts++;
        return await (isAway ? unreachable() : cloud.neutron.updatePort(...words));
      },
    });
    const here = addresses(place, { neutron, warm });
    await here.tend([subnetId]);
    assert.deepEqual([puts, (await onPort()).length], [1, 9]);
    isAway = true;
    const taken = await Promise.all(owners(6).map((owner) => here.take(owner, subnetId)));
    assert.equal(new Set(taken).size, 6);
    assert.equal(puts, 1);
    await assert.rejects(here.tend([subnetId]), isUnreachable);
    isAway = false;
    await here.tend([subnetId]);
    assert.equal((await onPort()).length, 1 + 6 + 8);
    assert.deepEqual(await Promise.all(owners(6).map((owner) => here.take(owner, subnetId))), taken);
    await give(addresses(place));
    assert.deepEqual(await onPort(), [own]);
  });

  test('are given while another write of the port hangs', async () => {
    const place = node();
    const hang = Promise.withResolvers<void>();
    let hangs = false;
    const neutron = neutronWith({
      updatePort: async (...words) => {
        if (hangs) await hang.promise;
        return await cloud.neutron.updatePort(...words);
      },
    });
    const here = addresses(place, { neutron, warm });
    await here.tend([subnetId]);
    hangs = true;
    const taken = await Promise.all(owners(5).map((owner) => here.take(owner, subnetId)));
    const tending = here.tend([subnetId]);
    taken.push(await here.take('last', subnetId));
    hang.resolve();
    await tending;
    assert.equal(new Set(taken).size, 6);
    await give(addresses(place));
    assert.deepEqual(await onPort(), [own]);
  });

  test('rest after their pod; a look for floating IPs ends the rest, and those above the limit are taken off', async () => {
    const place = node();
    const here = addresses(place, { warm: { low: 1, high: 1 } });
    const first = await here.take('pod', subnetId);
    await here.release(({ owner }) => owner === 'pod', 60_000);
    const second = await here.take('second', subnetId);
    const third = await here.take('third', subnetId);
    assert.ok(first !== second && first !== third);
    let looks = 0;
    const neutron = neutronWith({
      floatingIpsOf: (...words) => {
        looks++;
        return cloud.neutron.floatingIpsOf(...words);
      },
    });
    const clock = { ...systemClock, now: () => systemClock.now() + 61_000 };
    const later = addresses(place, { warm: { low: 0, high: 0 }, neutron, clock });
    await later.tend([subnetId]);
    assert.equal(looks, 2);
    assert.deepEqual(await onPort(), [own, second, third].toSorted());
    await give(addresses(place));
  });

  test('a hundred pods at once are few writes', async () => {
    const said = await warmWriter(20, node(), 'never', 'take', ...owners(100));
    assert.equal(said?.taken.length, 100);
    assert.equal(new Set(said?.taken.map(([, address]) => address)).size, 100);
    assert.ok((said?.requests ?? 99) <= 2, `${said?.requests} writes`);
  });
});
