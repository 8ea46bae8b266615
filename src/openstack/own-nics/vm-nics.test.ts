import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isOrbError, OrbError } from '#base';
import { givenBack, withNic } from '#plan/openstack';
import { KIND, NicCloud, SERVER } from '../testing/index.ts';
import { NicLedgerFile } from './nic-ledger-file.ts';

let folder: string;
let cloud: NicCloud;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ow-nics-'));
  cloud = new NicCloud(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What the next agent does with what the last one has left, some minutes later. */
async function tidyAll(): Promise<void> {
  const agent = cloud.agent();
  await agent.forsake();
  for (let i = 0; i < 3; i++) {
    await agent.tidy();
    await agent.takeAway();
    cloud.clock.ms += 61_000;
  }
}

test('a NIC has what a pod needs of its port', async () => {
  const { name, state, owner, port } = await cloud.agent().make(KIND, 'a');
  assert.match(name, /^orbweaver [0-9a-f]{8}-1$/);
  assert.deepEqual([state, owner], ['ready', 'a']);
  assert.deepEqual(port, {
    ...{ id: 'port-1', mac: 'mac-port-1', mtuBytes: 1450, nameservers: ['10.6.0.53'] },
    addresses: [{ address: '10.6.1.2/16', gateway: '10.6.0.1' }],
  });
});

test('Nova refuses a NIC more: what was made is undone, and the number is known from then on', async () => {
  const agent = cloud.agent();
  for (const owner of ['a', 'b', 'c']) await agent.make(KIND, owner);
  const refused = agent.make(KIND, 'd');
  await assert.rejects(refused, {
    ...{ code: 'OPENSTACK_NICS_FULL', said: 'Failed to attach network adapter device to vm' },
    message: /VM vm has 4 NICs, and Nova refuses another one/,
  });
  assert.deepEqual([cloud.ports.size, (await cloud.ledger()).nics.length], [3, 3]);
  cloud.failures.set('createPort', new OrbError('INTERNAL', { message: 'no port is needed for this' }));
  await assert.rejects(agent.make(KIND, 'd'), { code: 'OPENSTACK_NICS_FULL' });
  cloud.failures.clear();
  cloud.slots = 5;
  cloud.clock.ms += 600_000;
  await agent.make(KIND, 'd');
});

test('a port that is refused leaves nothing, and one of which nobody knows is looked for', async () => {
  const agent = cloud.agent();
  cloud.failures.set('createPort', new OrbError('OPENSTACK_QUOTA', { message: 'Quota exceeded' }));
  await assert.rejects(agent.make(KIND, 'a'), { code: 'OPENSTACK_QUOTA' });
  assert.deepEqual((await cloud.ledger()).nics, []);
  cloud.failures.set('createPort', new OrbError('OPENSTACK_UNREACHABLE', { message: 'no answer' }));
  await assert.rejects(agent.make(KIND, 'a'), { code: 'OPENSTACK_UNREACHABLE' });
  assert.deepEqual(
    (await cloud.ledger()).nics.map(({ state, owner }) => [state, owner]),
    [['leaving', null]],
  );
  cloud.failures.clear();
  await tidyAll();
  assert.deepEqual((await cloud.ledger()).nics, []);
});

test('a NIC that does not come in time is taken away, and the error says what is missing', async () => {
  cloud.wires = false;
  const message = /port port-1, its NIC \(mac-port-1\) is not on the node, and the port is DOWN/;
  await assert.rejects(cloud.agent().make(KIND, 'a'), { code: 'OPENSTACK_NIC_LATE', message });
  assert.deepEqual([cloud.ports.size, (await cloud.ledger()).nics], [0, []]);
});

test('a NIC that was given back is ready after its floating IP was led nowhere', async () => {
  const agent = cloud.agent();
  const { name } = await agent.make(KIND, 'a');
  const file = new NicLedgerFile(folder, SERVER);
  await file.update((ledger) => givenBack(ledger, () => true));
  cloud.failures.set('disassociate', new OrbError('OPENSTACK_UNREACHABLE', { message: 'away' }));
  await assert.rejects(agent.tidy());
  assert.equal((await file.read()).nics[0]?.state, 'used');
  cloud.failures.clear();
  await agent.tidy();
  assert.deepEqual([(await file.read()).nics[0]?.state, cloud.freed], ['ready', ['f']]);
  await file.update((ledger) => withNic(ledger, name, { state: 'used' }));
  const [port] = cloud.attached;
  cloud.ports.set(port?.id ?? '', { ...(port ?? assert.fail()), device_id: '' });
  await agent.tidy();
  assert.equal((await file.read()).nics[0]?.state, 'leaving');
});

test('an idle NIC that an operator has detached leaves, and a port that another server has stays', async () => {
  const agent = cloud.agent();
  await agent.make(KIND, null);
  const [port] = cloud.attached;
  cloud.ports.set(port?.id ?? '', { ...(port ?? assert.fail()), device_id: 'another' });
  await tidyAll();
  assert.deepEqual((await cloud.ledger()).nics, []);
  assert.deepEqual([...cloud.ports.keys()], ['port-1']);
});

test('a login that does not see the server takes nothing away, and forgets nothing', async () => {
  const agent = cloud.agent();
  const { name } = await agent.make(KIND, null);
  const file = new NicLedgerFile(folder, SERVER);
  await file.update((ledger) => withNic(ledger, name, { state: 'leaving' }));
  cloud.shows = false;
  await assert.rejects(agent.takeAway(), { code: 'OPENSTACK_NOT_FOUND' });
  assert.equal((await file.read()).nics.length, 1);
  cloud.shows = true;
  await agent.takeAway();
  assert.deepEqual([cloud.ports.size, (await file.read()).nics], [0, []]);
});

test('a port says whose it is', async () => {
  await cloud.agent().make(KIND, 'a');
  const [port] = cloud.attached;
  assert.equal(port?.description, 'orbweaver: ledger nics-vm of node n1, cluster c1');
});

for (const when of ['before', 'after'] as const) {
  test(`an agent that dies right ${when} any step of a NIC that it makes leaves no port`, async () => {
    for (let steps = 0; ; steps++) {
      const made = await cloud
        .agent(steps, when)
        .make(KIND, 'a')
        .catch((error: unknown) => error);
      if (!isOrbError(made)) break;
      const { nics } = await cloud.ledger();
      assert.ok(nics.length > 0 || cloud.ports.size === 0, `the ledger knows of what ${steps} steps made`);
      const file = new NicLedgerFile(folder, SERVER);
      await file.update((ledger) => givenBack(ledger, () => true));
      await file.update((ledger) => ({
        ...ledger,
        nics: ledger.nics.map((nic) => ({ ...nic, state: nic.state === 'making' ? 'making' : 'leaving' })),
      }));
      await tidyAll();
      assert.deepEqual([cloud.ports.size, (await cloud.ledger()).nics], [0, []], `after ${steps} steps`);
      assert.ok(steps < 50);
    }
  });

  test(`an agent that dies right ${when} any step of a NIC that it takes away leaves no port`, async () => {
    for (let steps = 0; ; steps++) {
      const { name } = await cloud.agent().make(KIND, null);
      await new NicLedgerFile(folder, SERVER).update((ledger) => withNic(ledger, name, { state: 'leaving' }));
      const taken = await cloud
        .agent(steps, when)
        .takeAway()
        .catch((error: unknown) => error);
      await tidyAll();
      assert.deepEqual([cloud.ports.size, (await cloud.ledger()).nics], [0, []], `after ${steps} steps`);
      if (!isOrbError(taken)) break;
      assert.ok(steps < 50);
    }
  });
}

test('a lost ledger is seen by the ports of the VM that name it, and they stay as they are', async () => {
  const agent = cloud.agent();
  const { port: kept } = await agent.make(KIND, 'a');
  await agent.make(KIND, null);
  assert.deepEqual(await agent.unknown(), []);
  const { writer } = await cloud.ledger();
  rmSync(join(folder, `${SERVER}.nics.json`));
  const next = cloud.agent();
  const [one] = cloud.attached;
  assert.ok(one);
  const ofOthers = {
    id: 'their',
    mac_address: 'their',
    description: 'orbweaver: ledger nics-other of node n1',
  };
  cloud.ports.set('their', { ...one, ...ofOthers });
  assert.deepEqual(await next.unknown(), ['port-1', 'port-2']);
  cloud.ports.delete('their');
  await tidyAll();
  assert.equal(cloud.attached.length, 2, 'nobody detaches them');
  const { port, name } = await next.make(KIND, 'b');
  assert.notEqual(port?.id, kept?.id);
  assert.ok(!name.includes(writer), 'no name is used twice');
  assert.deepEqual(await next.unknown(), ['port-1', 'port-2']);
});

test('a ledger that is lost while its agent runs is replaced by one that repeats no name', async () => {
  const file = new NicLedgerFile(folder, SERVER);
  const change = () => file.update((ledger) => ({ ...ledger, sequence: ledger.sequence + 1 }));
  const { writer } = await change();
  rmSync(join(folder, `${SERVER}.nics.json`));
  const next = await change();
  assert.notEqual(next.writer, writer);
  assert.equal((await file.read()).writer, next.writer);
});
