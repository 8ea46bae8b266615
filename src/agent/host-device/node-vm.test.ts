import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { OrbError, silentLogger } from '#base';
import { FakeClock } from '#base/testing';
import { NicLedgerFile } from '#openstack/own-nics';
import { begunNic, givenBack, nicOfOwner, type VmNic, withNic } from '#plan/openstack';
import { NodeVm } from './node-vm.ts';

const KIND = { networkId: 'lan', groups: null };
const port = { id: 'p', mac: 'm', mtuBytes: null, addresses: [], nameservers: [] };

let folder: string;
let file: NicLedgerFile;
let clock: FakeClock;
/** Attachments of this node. */
let living: Set<string>;
/** What the cloud does when a NIC is made. */
let making: () => Promise<void>;
let leaving: AbortController;
/** What an earlier ledger had, and what was told of it. */
let unknown: () => Promise<string[]>;
let told: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ow-vm-'));
  file = new NicLedgerFile(folder, 'vm');
  clock = new FakeClock();
  living = new Set();
  making = async () => {};
  leaving = new AbortController();
  unknown = async () => [];
  told = [];
});
afterEach(() => {
  leaving.abort();
  rmSync(folder, { recursive: true });
});

async function make(kind: typeof KIND, owner: string | null): Promise<VmNic> {
  let name = '';
  await file.update((before) => {
    const begun = begunNic(before, kind, owner);
    name = begun.name;
    return begun.ledger;
  });
  await making();
  const ledger = await file.update((before) => withNic(before, name, { state: 'ready', port }));
  return ledger.nics.find((nic) => nic.name === name) ?? assert.fail();
}

async function open(): Promise<NodeVm> {
  const vm = await NodeVm.open({
    ...{ file, clock, networkId: 'lan', warm: { low: 0, high: 2 }, log: silentLogger },
    nics: { make, tidy: async () => {}, takeAway: async () => {}, forsake: async () => {}, unknown },
    tellUnknown: (ports) => told.push(...ports),
    hasLink: () => true,
    isLiving: (owner) => living.has(owner),
    changed: () => {},
  });
  void vm.run(leaving.signal);
  return vm;
}

async function untilLedger(isIt: (nics: readonly VmNic[]) => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (isIt((await file.read()).nics)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(JSON.stringify((await file.read()).nics));
}

test('a pod that ends while its NIC is made gives it back', async () => {
  const vm = await open();
  const made = Promise.withResolvers<void>();
  making = () => made.promise;
  living.add('a');
  const taken = vm.nicFor('a', KIND);
  living.delete('a');
  vm.wake();
  made.resolve();
  await taken;
  await untilLedger((nics) => nics.length === 1 && nics[0]?.owner === null);
});

test('a pod that gives its NIC back while it is made, and asks again, has it', async () => {
  const vm = await open();
  const made = Promise.withResolvers<void>();
  making = () => made.promise;
  living.add('a');
  const first = vm.nicFor('a', KIND);
  await untilLedger((nics) => nics.length === 1);
  await file.update((ledger) => givenBack(ledger, (owner) => owner === 'a'));
  const again = vm.nicFor('a', KIND);
  made.resolve();
  await first;
  const { name } = await again;
  assert.equal(nicOfOwner(await file.read(), 'a')?.name, name);
});

test('a pod that is served keeps its NIC, whatever wakes the node', async () => {
  const vm = await open();
  living.add('a');
  await vm.nicFor('a', KIND);
  for (let i = 0; i < 5; i++) {
    vm.wake();
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.notEqual(nicOfOwner(await file.read(), 'a'), undefined);
});

test('a refusal is remembered until a pod gets a NIC', async () => {
  const vm = await open();
  living.add('a');
  making = () => Promise.reject(new OrbError('OPENSTACK_QUOTA', { message: 'no port is left' }));
  await assert.rejects(vm.nicFor('a', KIND), { code: 'OPENSTACK_QUOTA' });
  assert.equal(vm.refusal, 'no port is left');
  making = async () => {};
  await vm.nicFor('a', KIND);
  assert.equal(vm.refusal, undefined);
});

test('what an earlier ledger had is told once for each new ledger, as soon as the cloud answers', async () => {
  const tended = async (isIt: () => boolean) => {
    for (let i = 0; i < 500 && !isIt(); i++) {
      await clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(isIt());
  };
  let asked = 0;
  unknown = async () => {
    asked += 1;
    if (asked < 3) throw new OrbError('OPENSTACK_UNREACHABLE', { message: 'no answer' });
    return ['port-1'];
  };
  const vm = await open();
  await tended(() => told.length === 1);
  assert.equal(asked, 3);
  living.add('a');
  await vm.nicFor('a', KIND);
  await file.update((ledger) => givenBack(ledger, () => true));
  for (let i = 0; i < 20; i++) {
    await clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(asked, 3, 'the ledger is the same');
  await tended(() => {
    // A look that runs now may still write the ledger that it has read before.
    rmSync(join(folder, 'vm.nics.json'), { force: true });
    return told.length > 1;
  });
});

test('two requests at once of one attachment get one NIC, and two attachments never the same', async () => {
  let next = 0;
  making = async () => {
    next += 1;
  };
  const vm = await open();
  for (const owner of ['warm', 'a', 'b']) living.add(owner);
  const names = async (owners: readonly string[]) => {
    const nics = await Promise.all(owners.map((owner) => vm.nicFor(owner, KIND)));
    return nics.map(({ name }) => name);
  };
  const [one, same] = await names(['warm', 'warm']);
  assert.deepEqual([same, next], [one, 1]);
  await file.update((ledger) => withNic(ledger, ledger.nics[0]?.name ?? '', { owner: null }));
  const [first, again, other, third] = await names(['a', 'a', 'b', 'a']);
  assert.deepEqual([again, third], [first, first]);
  assert.notEqual(other, first);
  assert.equal((await file.read()).nics.length, 2);
  assert.equal(next, 2, 'one of them was ready');
});
