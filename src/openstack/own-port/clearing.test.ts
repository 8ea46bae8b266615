import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OrbError, silentLogger, systemClock } from '#base';
import { deviceOf, type OwnAddress } from '#plan/openstack';
import type { Port } from '../neutron-objects.ts';
import { type ClearingParts, clearLedgers } from './clearing.ts';
import { LedgerFile } from './ledger-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'orbweaver-clearing-'));
after(() => rmSync(folder, { recursive: true }));

const own = (address: string, more: Partial<OwnAddress> = {}): OwnAddress => ({
  ...{ subnetId: 's', address, portId: null, groups: null, pair: 'none', owner: null },
  ...{ leaving: false, missing: false, restsUntilMs: null, ...more },
});
const fixed = (...addresses: readonly string[]) =>
  addresses.map((ip_address) => ({ subnet_id: 's', ip_address }));
const pair = (ip_address: string) => ({ ip_address, mac_address: 'fa:16:3e:00:00:01' });

/** Ports of VMs with an address of the node, two of ours and one of an operator; and a pair of ours and one of an operator. */
function cloud(...ids: readonly string[]) {
  const ports = new Map<string, Port>();
  const broken = new Set<string>();
  for (const id of ids) {
    const vm = {
      ...{ id, revision_number: 1, device_owner: 'compute:nova', device_id: 'vm' },
      fixed_ips: fixed('10.0.0.8', '10.0.0.21', '10.0.0.22', '10.0.0.90'),
      description: 'of the operator [orbweaver 0123abcd-7]',
      mac_address: 'fa:16:3e:00:00:01',
      allowed_address_pairs: [pair('10.0.0.31'), pair('10.0.0.91')],
    };
    ports.set(id, vm as unknown as Port);
  }
  const neutron = {
    port: async (id: string) => {
      if (broken.has(id)) throw new OrbError('OPENSTACK_UNREACHABLE', { message: `no answer about ${id}` });
      const value = ports.get(id);
      return value === undefined ? { is: 'absent' } : { is: 'there', value };
    },
    ports: async (filter: Partial<Port>) =>
      [...ports.values()].filter((port) =>
        Object.entries(filter).every(([key, value]) => port[key as keyof Port] === value),
      ),
    updatePort: async (id: string, change: Partial<Port>) => {
      const before = ports.get(id);
      assert.ok(before !== undefined);
      const changed = { ...before, ...change, revision_number: before.revision_number + 1 };
      ports.set(id, changed);
      return changed;
    },
    deletePort: async (id: string) => void ports.delete(id),
    floatingIpsOf: async () => [],
    disassociate: async () => {},
  } as unknown as ReturnType<ClearingParts['neutron']>;
  const parts = { neutron: () => neutron, clock: systemClock, log: silentLogger };
  return { ports, broken, parts };
}

async function writeLedger(
  place: string,
  name: string,
  addresses: readonly OwnAddress[] = [own('10.0.0.21', { owner: 'pod eth0' }), own('10.0.0.22')],
): Promise<LedgerFile> {
  const file = new LedgerFile(place, name, systemClock);
  await file.update((ledger) => ({ ...ledger, ...{ writer: '0123abcd', sequence: 7, addresses } }));
  return file;
}

/** A port of our own. */
async function reserved(file: LedgerFile, id: string, address: string): Promise<Port> {
  const device_id = deviceOf(await file.read());
  const port = { id, name: 'orbweaver 0123abcd-3', device_id, device_owner: 'orbweaver:pod' };
  return { ...port, fixed_ips: fixed(address) } as unknown as Port;
}

const node = () => mkdtempSync(join(folder, 'node-'));
const addressesOf = (port: Port | undefined) => port?.fixed_ips.map(({ ip_address }) => ip_address);

test('what agents added leaves each port, and nothing else; one port that fails stops no other', async () => {
  const place = node();
  const { ports, broken, parts } = cloud('p1', 'p2');
  await writeLedger(place, 'p1');
  const second = await writeLedger(place, 'p2');
  await writeLedger(place, 'gone');
  broken.add('p1');
  await assert.rejects(clearLedgers(place, parts), /no answer about p1/);
  assert.deepEqual(addressesOf(ports.get('p2')), ['10.0.0.8', '10.0.0.90']);
  assert.equal(ports.get('p2')?.description, 'of the operator');
  assert.deepEqual((await second.read()).addresses, []);
  broken.clear();
  await clearLedgers(place, parts);
  assert.deepEqual(addressesOf(ports.get('p1')), ['10.0.0.8', '10.0.0.90']);
  assert.equal(ports.get('p1')?.description, 'of the operator');
});

test('the mark of another ledger stays, and a node that never wrote a port needs no login', async () => {
  const place = node();
  const { ports, parts } = cloud('p3');
  const file = await writeLedger(place, 'p3', []);
  await file.update((ledger) => ({ ...ledger, writer: 'ffffffff' }));
  await clearLedgers(place, parts);
  assert.match(ports.get('p3')?.description ?? '', /\[orbweaver 0123abcd-7\]/);
  const empty = node();
  await new LedgerFile(empty, 'p4', systemClock).update((ledger) => ({ ...ledger, unsure: ['10.0.0.1'] }));
  const neutron = () => assert.fail('it logs in');
  await clearLedgers(empty, { ...parts, neutron });
});

test('a write that was begun on a port that has gone is forgotten', async () => {
  const place = node();
  const file = await writeLedger(place, 'gone');
  const intent = { mark: '0123abcd-7', subnetId: 's', count: 1, revision: 1, before: [] };
  await file.update((ledger) => ({ ...ledger, intent }));
  await clearLedgers(place, cloud().parts);
  const { addresses, intent: left } = await file.read();
  assert.deepEqual([addresses, left], [[], null]);
});

test('ports of our own are deleted, also one that came late, and those of others stay', async () => {
  const place = node();
  const { ports, parts } = cloud('p1');
  const file = await writeLedger(place, 'ports-n', [own('10.0.0.31', { portId: 'o1', owner: 'pod eth0' })]);
  ports.set('o1', await reserved(file, 'o1', '10.0.0.31'));
  ports.set('late', await reserved(file, 'late', '10.0.0.32'));
  ports.set('other', { ...(await reserved(file, 'other', '10.0.0.33')), device_id: 'orbweaver-ffffffff' });
  await clearLedgers(place, parts);
  assert.deepEqual([...ports.keys()], ['p1', 'other']);
  assert.deepEqual((await file.read()).addresses, []);
});

for (const hasVm of [true, false]) {
  test(`with pairs, ours leave the port of the VM${hasVm ? '' : ', which may be gone'}, and our port is deleted`, async () => {
    const place = node();
    const { ports, parts } = cloud(...(hasVm ? ['p1'] : []));
    const addresses = [own('10.0.0.31', { portId: 'o1', pair: 'ours', owner: 'pod eth0' })];
    const file = await writeLedger(place, 'pairs-p1', addresses);
    ports.set('o1', await reserved(file, 'o1', '10.0.0.31'));
    await clearLedgers(place, parts);
    assert.deepEqual([...ports.keys()], hasVm ? ['p1'] : []);
    assert.deepEqual(ports.get('p1')?.allowed_address_pairs, hasVm ? [pair('10.0.0.91')] : undefined);
    assert.deepEqual((await file.read()).addresses, []);
  });
}
