// Addresses of pods on the port of a VM, with the real Neutron: many writers, deaths, lost answers, other programs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isOrbError, OrbError, systemClock } from '#base';
import { type CloudClient, LedgerFile, PortAddresses, type PortAddressesParts } from '#openstack';
import { Api, client, makeNetwork, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';

interface Said {
  readonly taken: readonly (readonly [owner: string, address: string])[];
  readonly requests: number;
  readonly steps: number;
}

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
  const argv = [join(import.meta.dirname, 'writer.ts'), port.id, subnetId, place, dieAt, ...words];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...end) => resolve(end)),
  );
  if (signal === 'SIGKILL') return undefined;
  assert.equal(code, 0, `writer ${words.join(' ')} failed`);
  return JSON.parse(printed) as Said;
}

function addresses(place: string, neutron: PortAddressesParts['neutron'] = cloud.neutron): PortAddresses {
  const file = new LedgerFile(place, port.id, systemClock);
  return new PortAddresses({ neutron, file, portId: port.id, clock: systemClock });
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
    await writer(place, 'never', 'sweep');
    assert.deepEqual(await onPort(), [own]);
  });

  test('three that share no ledger and no lock, as on three nodes, get an address each', async () => {
    const places = [node(), node(), node()];
    const take = (place: string, i: number) => writer(place, 'never', 'take', ...owners(4, `node${i}`));
    await checkTaken(await Promise.all(places.map(take)), 12);
    await Promise.all(places.map((place) => writer(place, 'never', 'sweep')));
    assert.deepEqual(await onPort(), [own]);
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
    test(`at any step of ${verb} leaves nothing behind that the next does not know`, async () => {
      for (let step = 1; ; step++) {
        const place = node();
        const next = addresses(place);
        if (verb === 'give') await next.take('pod', subnetId);
        const said = await writer(place, `step ${step}`, verb, 'pod');
        if (said !== undefined) {
          assert.ok(step > 4, `${verb} has only ${said.steps} steps`);
          await next.sweep(new Set());
          return;
        }
        if (verb === 'take') await checkAddresses([await next.take('pod', subnetId)]);
        await next.give('pod');
        assert.deepEqual(await onPort(), [own], `after ${verb}, step ${step}`);
        await next.sweep(new Set());
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
      await next.sweep(new Set());
      assert.deepEqual(await onPort(), [own]);
    }
  });
});

describe('Neutron', () => {
  test('that does what it was asked, and does not say so, gives no address twice', async () => {
    const place = node();
    let lost = 0;
    const forgetful: PortAddressesParts['neutron'] = {
      port: (...words) => cloud.neutron.port(...words),
      floatingIpsOf: (...words) => cloud.neutron.floatingIpsOf(...words),
      disassociate: (...words) => cloud.neutron.disassociate(...words),
      updatePort: async (...words) => {
        const changed = await cloud.neutron.updatePort(...words);
        if (lost++ === 0) throw new OrbError('OPENSTACK_UNREACHABLE', { message: 'no answer' });
        return changed;
      },
    };
    const shaky = addresses(place, forgetful);
    const fields = { network_id: networkId, cidr: '10.43.0.0/24', ip_version: 4 };
    const { id: other } = await api.make('subnet', fields);
    const first = shaky.take('pod', subnetId);
    // In the same batch, and after the answer that was lost.
    const second = shaky.take('second', other);
    await assert.rejects(first, (error) => isOrbError(error, 'OPENSTACK_UNREACHABLE'));
    await checkAddresses([await second, await shaky.take('pod', subnetId)]);
    await shaky.sweep(new Set());
    assert.deepEqual(await onPort(), [own]);
    await api.neutron('DELETE', `/subnets/${other}`);
  });

  test('without a free address says so, and other subnets go on', async () => {
    const fields = { network_id: networkId, cidr: '10.41.0.0/29', ip_version: 4 };
    const { id: small } = await api.make('subnet', fields);
    const here = addresses(node());
    const wishes = owners(8).map((owner) => here.take(owner, small));
    const elsewhere = here.take('elsewhere', subnetId);
    for (const one of await Promise.allSettled(wishes)) {
      assert.ok(one.status === 'rejected' && isOrbError(one.reason, 'OPENSTACK_SUBNET_FULL'));
    }
    assert.match(await elsewhere, /^10\.40\.0\./);
    assert.match(await here.take('one', small), /^10\.41\.0\./);
    await here.sweep(new Set());
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
    const list = [...(await onPort()), '10.40.0.200'].map((ip_address) => ({
      subnet_id: subnetId,
      ip_address,
    }));
    const allowed_address_pairs = [{ ip_address: '10.99.0.0/16' }];
    const change = { fixed_ips: list, allowed_address_pairs, security_groups: [] };
    await api.neutron('PUT', `/ports/${port.id}`, { port: change });
    const second = await here.take('second', subnetId);
    await here.give('pod');
    assert.deepEqual(await onPort(), [own, second, '10.40.0.200'].toSorted());
    assert.notEqual(second, '10.40.0.200');
    const { port: now } = await api.neutron<{ port: PortObject & { allowed_address_pairs: unknown[] } }>(
      'GET',
      `/ports/${port.id}`,
    );
    assert.equal(now.allowed_address_pairs.length, 1);
    assert.deepEqual(now.security_groups, []);
    assert.ok(address !== second);
    await here.sweep(new Set());
    assert.deepEqual(await onPort(), [own, '10.40.0.200'].toSorted());
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
    await here.give('pod');
    const { floatingip } = await api.neutron<{ floatingip: { port_id: string | null } }>(
      'GET',
      `/floatingips/${floating.id}`,
    );
    assert.equal(floatingip.port_id, null);
    assert.deepEqual(await onPort(), [own]);
  });
});
