// Addresses of pods on ports of our own, and with address pairs on the port of a VM, with the real Neutron: many writers,
// deaths, lost answers, limits, other programs.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { NeutronMode } from '#api';
import { type ErrorCode, isOrbError, OrbError, silentLogger, systemClock } from '#base';
import type { CloudClient } from '#openstack';
import { LedgerFile, type PortAddresses } from '#openstack/own-port';
import { OWN_PORT_OWNER } from '#plan/openstack';
import { type AroundCall, addressesOf, type KeptParts, neutronWith } from './keepers.ts';
import { killPoints } from './kill-points.ts';
import { Api, client, makeNetwork, type PortObject } from './scene.ts';
import { admin } from './servers/place.ts';
import { runWriter, type Said } from './writer-process.ts';

type Mode = Exclude<NeutronMode, 'fixed-ips'>;
interface Pair {
  readonly ip_address: string;
}
interface VmPort extends PortObject {
  readonly allowed_address_pairs: readonly Pair[];
}
interface OwnPort extends PortObject {
  readonly name: string;
  readonly device_id: string;
  readonly tags: readonly string[];
}

let api: Api;
let operator: Api;
let cloud: CloudClient;
let folder: string;
let networkId: string;
let subnetId: string;
let groupId: string;
/** Of the VM. */
let port: VmPort;

before(async () => {
  api = await Api.of();
  operator = await Api.of(admin);
  cloud = client();
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-modes-'));
  ({ networkId, subnetId } = await makeNetwork(api, 'modes', '10.50.0.0/24'));
  groupId = await makeGroup('nodes');
});
after(() => {
  cloud.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  for (const { id } of await ownPorts()) await api.neutron('DELETE', `/ports/${id}`);
  const description = 'of the operator';
  port = await api.make('port', { network_id: networkId, description, security_groups: [groupId] });
});

async function makeGroup(name: string): Promise<string> {
  const fields = { security_group: { name } };
  const made = await api.neutron<{ security_group: { id: string } }>('POST', '/security-groups', fields);
  return made.security_group.id;
}

/** A folder of a node's ledgers. */
const node = () => mkdtempSync(join(folder, 'node-'));
const owners = (count: number, of = 'pod') => Array.from({ length: count }, (_, i) => `${of}-${i}`);

function addresses(
  mode: NeutronMode,
  place: string,
  { around = {}, ...change }: Partial<KeptParts> & { readonly around?: AroundCall } = {},
): PortAddresses {
  return addressesOf({
    ...{ mode, networkId, portId: port.id, nodeAddresses: [], warm: { low: 0, high: 0 } },
    file: new LedgerFile(place, mode === 'fixed-ips' ? port.id : `${mode}-${port.id}`, systemClock),
    neutron: neutronWith(cloud, around),
    ...change,
  });
}

/**
 * Those of a program that is killed before a write of the ledger, after it, or after an answer: nothing of it goes on, and
 * the kernel has freed its locks.
 */
function dyingAt(at: number, place: string): { readonly dying: PortAddresses; readonly died: Promise<void> } {
  const file = new LedgerFile(place, `address-pairs-${port.id}`, systemClock);
  const death = Promise.withResolvers<void>();
  let steps = 0;
  const step = async (): Promise<void> => {
    if (++steps < at) return;
    death.resolve();
    await new Promise<never>(() => {});
  };
  const dying = addresses('address-pairs', place, {
    around: { after: step },
    file: {
      locked: (work) => work(),
      read: () => file.read(),
      update: async (change) => {
        await step();
        const ledger = await file.update(change);
        await step();
        return ledger;
      },
    },
  });
  return { dying, died: death.promise };
}

/** Runs a writer to its end. Undefined if it died. */
function writer(
  mode: Mode,
  place: string,
  dieAt: string,
  ...words: readonly string[]
): Promise<Said | undefined> {
  const where = { mode, portId: port.id, networkId, subnetId, folder: place, warm: 0 };
  return runWriter(where, dieAt, ...words);
}

async function ownPorts(): Promise<readonly OwnPort[]> {
  const query = `network_id=${networkId}&device_owner=${OWN_PORT_OWNER}`;
  return (await api.neutron<{ ports: readonly OwnPort[] }>('GET', `/ports?${query}`)).ports;
}

const addressesOfPorts = (ports: readonly PortObject[]): string[] =>
  ports.flatMap(({ fixed_ips }) => fixed_ips.map(({ ip_address }) => ip_address)).toSorted();

async function vmPort(): Promise<VmPort> {
  return (await api.neutron<{ port: VmPort }>('GET', `/ports/${port.id}`)).port;
}

async function pairs(): Promise<string[]> {
  return (await vmPort()).allowed_address_pairs.map(({ ip_address }) => ip_address).toSorted();
}

/** Another program writes the list. */
async function setPairs(...list: readonly string[]): Promise<void> {
  const allowed_address_pairs = list.map((ip_address) => ({ ip_address }));
  await api.neutron('PUT', `/ports/${port.id}`, { port: { allowed_address_pairs } });
}

/** These addresses are reserved, and let through if the mode has pairs; none else is. */
async function checkHeld(
  mode: Mode,
  taken: readonly string[],
  otherPairs: readonly string[] = [],
): Promise<void> {
  assert.equal(new Set(taken).size, taken.length, `an address was given twice: ${taken.join(' ')}`);
  assert.deepEqual(addressesOfPorts(await ownPorts()), taken.toSorted(), 'ports of our own');
  const let_ = mode === 'address-pairs' ? taken : [];
  assert.deepEqual(await pairs(), [...let_, ...otherPairs].toSorted(), 'pairs');
}

/** All owners give back what they have, and it is taken back. */
async function give(here: PortAddresses, isGiven = (_: string) => true): Promise<void> {
  await here.release(({ owner }) => isGiven(owner), 0);
  await here.tend([subnetId]);
}

const isCode = (code: ErrorCode) => (error: unknown) => isOrbError(error, code);
const lost = () => new OrbError('OPENSTACK_UNREACHABLE', { message: 'no answer' });

for (const mode of ['port', 'address-pairs'] as const) {
  describe(`in mode ${mode}`, () => {
    test('writers in three processes get an address each, and give it back', async () => {
      const place = node();
      const sets = [owners(3, 'a'), owners(3, 'b'), owners(4, 'c')];
      await Promise.all(sets.map((set) => writer(mode, place, 'never', 'take', ...set)));
      const here = addresses(mode, place);
      const taken = await Promise.all(sets.flat().map((owner) => here.take(owner, subnetId)));
      assert.equal(taken.length, 10);
      await checkHeld(mode, taken);
      const [one] = await ownPorts();
      assert.deepEqual(one?.security_groups, [groupId]);
      const tags = ['orbweaver', 'orbweaver-cluster=a-uid', 'orbweaver-node=node1'];
      assert.deepEqual(one.tags.toSorted(), tags);
      assert.equal(one.description, `orbweaver: ledger ${mode}-${port.id} of node node1, cluster a-uid`);
      assert.equal((await vmPort()).description, 'of the operator');
      await writer(mode, place, 'never', 'keep');
      await checkHeld(mode, []);
    });

    test('a create that Neutron answers with an error, although the port exists, is found again', async () => {
      let answers = 0;
      const place = node();
      const around: AroundCall = {
        after: (name) => {
          if (name === 'createPort' && answers++ === 0) throw lost();
        },
      };
      const here = addresses(mode, place, { around });
      await assert.rejects(here.take('pod', subnetId), isCode('OPENSTACK_UNREACHABLE'));
      await checkHeld('port', addressesOfPorts(await ownPorts()));
      const taken = await here.take('pod', subnetId);
      assert.equal(answers, 1);
      await checkHeld(mode, [taken]);
      await give(here);
      await checkHeld(mode, []);
    });

    test('a create that Neutron does later than we look leaves no port', async () => {
      const place = node();
      let order: unknown;
      const late: AroundCall = {
        before: (name) => {
          if (name === 'createPort') throw lost();
        },
      };
      const neutron = neutronWith(cloud, late);
      const createPort: typeof neutron.createPort = (port) => {
        order = port;
        return neutron.createPort(port);
      };
      const shaky = addresses(mode, place, { neutron: { ...neutron, createPort } });
      await assert.rejects(shaky.take('pod', subnetId), isCode('OPENSTACK_UNREACHABLE'));
      const next = addresses(mode, place);
      const taken = await next.take('pod', subnetId);
      await api.neutron('POST', '/ports', { port: order });
      assert.equal((await ownPorts()).length, 2);
      await addresses(mode, place).reconcile();
      await checkHeld(mode, [taken]);
      await give(next);
    });

    test('a quota of ports is said, and nothing is left of what did not fit', async () => {
      const { projectId } = api;
      const { ports } = await api.neutron<{ ports: unknown[] }>(
        'GET',
        `/ports?project_id=${projectId}&fields=id`,
      );
      await operator.neutron('PUT', `/quotas/${projectId}`, { quota: { port: ports.length + 1 } });
      try {
        const here = addresses(mode, node(), { warm: { low: 1, high: 3 } });
        const taken = await here.take('pod', subnetId);
        await checkHeld(mode, [taken]);
        await assert.rejects(here.take('second', subnetId), isCode('OPENSTACK_QUOTA'));
        await assert.rejects(here.tend([subnetId]), isCode('OPENSTACK_QUOTA'));
        await checkHeld(mode, [taken]);
      } finally {
        await operator.neutron('DELETE', `/quotas/${projectId}`);
      }
    });

    test('a subnet with fewer addresses than pods gives all that it has, and loses none', async () => {
      const fields = { network_id: networkId, cidr: '10.51.0.0/29', ip_version: 4 };
      const { id: small } = await api.make('subnet', fields);
      const place = node();
      for (let round = 0; round < 2; round++) {
        const here = addresses(mode, place, { warm: { low: 1, high: 3 } });
        const wishes = owners(8).map((owner) => here.take(owner, small));
        const results = await Promise.allSettled(wishes);
        const taken = results.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
        assert.equal(taken.length, 5);
        for (const one of results)
          assert.ok(one.status === 'fulfilled' || isCode('OPENSTACK_SUBNET_FULL')(one.reason));
        await assert.rejects(here.tend([small]), isCode('OPENSTACK_SUBNET_FULL'));
        await checkHeld(mode, taken);
        await give(addresses(mode, place));
        await checkHeld(mode, []);
      }
      await api.neutron('DELETE', `/subnets/${small}`);
    });

    test('addresses that are kept ready are given without a request, also while Neutron is away', async () => {
      let isAway = false;
      let calls = 0;
      const around: AroundCall = {
        before: () => {
          calls++;
          if (isAway) throw lost();
        },
      };
      const here = addresses(mode, node(), { warm: { low: 2, high: 4 }, around });
      await here.tend([subnetId]);
      assert.equal((await ownPorts()).length, 4);
      isAway = true;
      calls = 0;
      const taken = await Promise.all(owners(4).map((owner) => here.take(owner, subnetId)));
      assert.equal(calls, 0);
      await assert.rejects(here.tend([subnetId]), isCode('OPENSTACK_UNREACHABLE'));
      isAway = false;
      await checkHeld(mode, taken);
    });

    test('a port that an operator deletes is given to nobody again, and its owner gets another address', async () => {
      const place = node();
      const before = addresses(mode, place);
      const removed = await before.take('pod', subnetId);
      const [gone] = await ownPorts();
      await api.neutron('DELETE', `/ports/${gone?.id}`);
      assert.ok(!(await before.holds('pod', removed)));
      const next = addresses(mode, place);
      const taken = await next.take('pod', subnetId);
      await next.tend([subnetId]);
      await checkHeld(mode, [taken]);
      assert.ok(await next.holds('pod', taken));
      await give(next);
    });

    test('a pod has the security groups that it asks for, and nobody else gets its port', async () => {
      const asked = [await makeGroup('web')];
      const here = addresses(mode, node(), { warm: { low: 1, high: 1 } });
      const special = await here.take('special', subnetId, { groups: asked });
      const plain = await here.take('plain', subnetId);
      const groupsOf = async (address: string) =>
        (await ownPorts()).find(({ fixed_ips }) => fixed_ips[0]?.ip_address === address)?.security_groups;
      assert.deepEqual(await groupsOf(special), asked);
      assert.deepEqual(await groupsOf(plain), [groupId]);
      await give(here, (owner) => owner === 'special');
      assert.ok(!addressesOfPorts(await ownPorts()).includes(special));
      const unknown = { groups: ['6f3b1d5c-0000-4000-8000-000000000000'] };
      await assert.rejects(here.take('wrong', subnetId, unknown), isCode('OPENSTACK_NOT_FOUND'));
    });
  });
}

/** With the mode that has both: ports of our own, and pairs. */
describe('a writer that is killed', () => {
  const mode = 'address-pairs';

  for (const verb of ['take', 'give'] as const) {
    test(`at any step of ${verb} leaves nothing that the next does not know`, async (t) => {
      for (const step of killPoints(t)) {
        const place = node();
        if (verb === 'give') await addresses(mode, place).take('pod', subnetId);
        const { dying, died } = dyingAt(step, place);
        const work = verb === 'take' ? dying.take('pod', subnetId) : give(dying);
        const hasEnded = await Promise.race([work.then(() => true), died.then(() => false)]);
        const next = addresses(mode, place);
        if (verb === 'take') await checkHeld(mode, [await next.take('pod', subnetId)]);
        await give(next);
        await checkHeld(mode, []);
        if (!hasEnded) continue;
        t.diagnostic(`step ${step} is beyond the last`);
        assert.ok(step > 10);
        return;
      }
    });
  }

  test('while a request is under way leaks nothing', async () => {
    for (const request of [1, 2]) {
      const place = node();
      assert.equal(await writer(mode, place, `request ${request}`, 'take', 'pod'), undefined);
      const next = addresses(mode, place);
      const taken = [await next.take('pod', subnetId), await next.take('other', subnetId)];
      // What came later than the look is found by the next one.
      await addresses(mode, place).reconcile();
      await checkHeld(mode, taken);
      await give(next);
      await checkHeld(mode, []);
    }
  });
});

describe('a requested address', () => {
  for (const mode of ['fixed-ips', 'port', 'address-pairs'] as const) {
    test(`is given in mode ${mode}, unless another has it`, async () => {
      const here = addresses(mode, node());
      assert.equal(await here.take('pod', subnetId, { address: '10.50.0.240' }), '10.50.0.240');
      assert.ok(await here.holds('pod', '10.50.0.240'));
      const taken = isCode('ADDRESS_REQUEST_TAKEN');
      await assert.rejects(here.take('other', subnetId, { address: '10.50.0.240' }), taken);
      const fixed_ips = [{ subnet_id: subnetId, ip_address: '10.50.0.241' }];
      const foreign = await api.make('port', { network_id: networkId, fixed_ips });
      await assert.rejects(here.take('other', subnetId, { address: '10.50.0.241' }), taken);
      const ofNode = port.fixed_ips[0]?.ip_address ?? '';
      await assert.rejects(here.take('other', subnetId, { address: ofNode }), taken);
      await api.neutron('DELETE', `/ports/${foreign.id}`);
      await give(here);
      assert.equal((await ownPorts()).length, 0);
      assert.deepEqual((await vmPort()).fixed_ips, port.fixed_ips);
    });
  }
});

describe('address pairs', () => {
  const mode = 'address-pairs';

  test('of others stay, whatever they change between our read and our write', async () => {
    await setPairs('10.99.0.7');
    let writes = 0;
    const around: AroundCall = {
      before: async (name) => {
        if (name !== 'updatePort' || writes++ > 1) return;
        const theirs = [...(await pairs()), `10.98.0.${writes}`];
        await setPairs(...theirs);
        await api.neutron('PUT', `/ports/${port.id}`, { port: { security_groups: [] } });
      },
    };
    const here = addresses(mode, node(), { around });
    const taken = await here.take('pod', subnetId);
    await checkHeld(mode, [taken], ['10.99.0.7', '10.98.0.1', '10.98.0.2']);
    await give(here);
    await checkHeld(mode, [], ['10.99.0.7', '10.98.0.1', '10.98.0.2']);
    assert.deepEqual((await vmPort()).security_groups, []);
  });

  test('are not ours if another program added them before, and then nobody removes them', async () => {
    await setPairs('10.50.0.90');
    const here = addresses(mode, node());
    assert.equal(await here.take('pod', subnetId, { address: '10.50.0.90' }), '10.50.0.90');
    await give(here);
    await checkHeld(mode, [], ['10.50.0.90']);
  });

  test('are not added where a network covers them; they come and go with it', async () => {
    await setPairs('10.50.0.0/24');
    const here = addresses(mode, node());
    const taken = [await here.take('pod', subnetId), await here.take('second', subnetId)];
    assert.deepEqual(await pairs(), ['10.50.0.0/24']);
    assert.ok(await here.holds('pod', taken[0] ?? ''));
    await setPairs();
    assert.ok(!(await here.holds('pod', taken[0] ?? '')));
    await here.reconcile();
    await checkHeld(mode, taken);
    await setPairs(...taken, '10.50.0.0/24');
    await here.reconcile();
    assert.deepEqual(await pairs(), ['10.50.0.0/24']);
    await give(here);
    await checkHeld(mode, [], ['10.50.0.0/24']);
  });

  test('are not needed where port security is off, and come when it is switched on', async () => {
    const off = { security_groups: [], port_security_enabled: false };
    await api.neutron('PUT', `/ports/${port.id}`, { port: off });
    const here = addresses(mode, node());
    const taken = await here.take('pod', subnetId);
    assert.deepEqual(await pairs(), []);
    assert.ok(await here.holds('pod', taken));
    await api.neutron('PUT', `/ports/${port.id}`, { port: { port_security_enabled: true } });
    await here.reconcile();
    await checkHeld(mode, [taken]);
    await give(here);
  });

  test('are limited: what fits is given, the next pod hears why, and no port is made in vain', async () => {
    await setPairs('10.99.0.7');
    let made = 0;
    const around: AroundCall = {
      before: (name) => {
        if (name === 'createPort') made++;
      },
    };
    const here = addresses(mode, node(), { warm: { low: 4, high: 12 }, around });
    await here.tend([subnetId]);
    assert.equal((await ownPorts()).length, 9);
    const taken = await Promise.all(owners(9).map((owner) => here.take(owner, subnetId)));
    await checkHeld(mode, taken, ['10.99.0.7']);
    const before = made;
    await assert.rejects(here.take('tenth', subnetId), isCode('OPENSTACK_PAIRS_FULL'));
    await assert.rejects(here.tend([subnetId]), isCode('OPENSTACK_PAIRS_FULL'));
    assert.equal(made, before);
    await here.release(({ owner }) => owner === 'pod-0', 0);
    await here.tend([subnetId]).catch(() => {}); // there is no room for more that are ready
    assert.ok(taken.includes(await here.take('tenth', subnetId)));
    await setPairs('10.50.0.0/24');
    await here.take('eleventh', subnetId);
  });

  test('need a port: where the VM has gone, what was reserved is given back', async () => {
    const here = addresses(mode, node());
    await here.take('pod', subnetId);
    await here.release(() => true, 0);
    await api.neutron('DELETE', `/ports/${port.id}`);
    await here.tend([subnetId]);
    assert.equal((await ownPorts()).length, 0);
  });
});

describe('ports of our own', () => {
  test('lead no floating IP to the next pod', async () => {
    const here = addresses('port', node(), { warm: { low: 1, high: 1 } });
    const address = await here.take('pod', subnetId);
    const outside = await operator.make('network', { name: 'outside-modes', 'router:external': true });
    await operator.make('subnet', { network_id: outside.id, cidr: '203.0.113.0/24', ip_version: 4 });
    const external_gateway_info = { network_id: outside.id };
    const router = await api.make('router', { name: 'modes', external_gateway_info });
    await api.neutron('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnetId });
    const own = (await ownPorts()).find(({ fixed_ips }) => fixed_ips[0]?.ip_address === address);
    const fields = { floating_network_id: outside.id, port_id: own?.id, fixed_ip_address: address };
    const floating = await api.make('floatingip', fields);
    await give(here);
    const { floatingip } = await api.neutron<{ floatingip: { port_id: string | null } }>(
      'GET',
      `/floatingips/${floating.id}`,
    );
    assert.equal(floatingip.port_id, null);
    // Tests of other files count the floating IPs of the project.
    await api.neutron('DELETE', `/floatingips/${floating.id}`);
  });

  test('of a ledger that is lost stay, and the log names them', async () => {
    await addresses('port', node()).take('pod', subnetId);
    const [stray] = await ownPorts();
    const said: string[] = [];
    const log = { ...silentLogger, warn: (_: unknown, message: string) => void said.push(message) };
    const next = addresses('port', node(), { log });
    await next.take('pod', subnetId);
    await give(next);
    assert.match(said.join(), new RegExp(`openstack port delete ${stray?.id}`));
    assert.deepEqual(
      (await ownPorts()).map(({ id }) => id),
      [stray?.id],
    );
  });

  test('keep what another program changes of them', async () => {
    const here = addresses('port', node());
    await here.take('pod', subnetId);
    const [own] = await ownPorts();
    await api.neutron('PUT', `/ports/${own?.id}`, { port: { security_groups: [], description: 'mine' } });
    await here.tend([subnetId]);
    await here.reconcile();
    const [now] = await ownPorts();
    assert.deepEqual([now?.security_groups, now?.description], [[], 'mine']);
  });
});
