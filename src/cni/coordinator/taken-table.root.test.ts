import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { primeThreads } from '#kernel';
import { repairPod } from './repair-fixture.ts';
import { ask, CLIENT, ip, withServer } from './routed-lan-fixture.ts';
import { containerId, ETH0, NET1, Site } from './site-fixture.ts';

// A program takes a table for itself in a running pod that the plan would use by its number.

const NET2 = { 4: '10.6.1.7', 6: 'fd00:10:6::1:7' } as const;
const lines = ['rule', '-6 rule', 'route show table all', '-6 route show table all'];

/** What a program does that gives a network a table of its own. */
function takeTable(site: Site, table: number): void {
  for (const line of [
    `route add 10.250.0.0/16 via 10.6.0.1 table ${table}`,
    `rule add to 10.250.0.0/16 lookup ${table}`,
  ])
    ip('-n', site.lan.pod, ...line.split(' '));
}

/** All that is in a table or leads there. */
function inTable(site: Site, table: number): string[] {
  const said = new RegExp(`(table|lookup) ${table}\\b`);
  return lines.flatMap((line) => site.lan.raw('pod', line)).filter((text) => said.test(text));
}

async function works(
  site: Site,
  nics: Readonly<Record<string, Readonly<Record<4 | 6, string>>>>,
): Promise<void> {
  await withServer(site.lan.pod, () => {
    for (const addresses of Object.values(nics))
      for (const family of [4, 6] as const)
        assert.equal(ask(site.lan.client, addresses[family]), `${CLIENT[family]} hello`, addresses[family]);
  });
  for (const name of Object.keys(nics)) await site.plugin.check(site.call(name));
  assert.deepEqual(repairPod(site), []);
}

before(primeThreads);

test('a program that used table 99 before net1 came keeps it alone, also after net1 and net2 came and net1 left', async () => {
  using site = await new Site().start();
  await site.addNic('eth0', 6, [4, 6], ETH0);
  takeTable(site, 99);
  const theirs = inTable(site, 99);
  await site.addNic('net1', 7, [4, 6], NET1);
  await site.addNic('net2', 6, [4, 6], NET2);
  assert.deepEqual(inTable(site, 99), theirs);
  await works(site, { eth0: ETH0, net1: NET1, net2: NET2 });
  for (const [name, left] of [
    ['net1', { eth0: ETH0, net2: NET2 }],
    ['net2', { eth0: ETH0 }],
  ] as const) {
    await site.unplug(name);
    assert.deepEqual(inTable(site, 99), theirs, `${name} has left`);
    await works(site, left);
  }
});

test('a program that takes table 99 between net1 and net2 has it alone once net2 has left, and CHECK and repair agree', async () => {
  using site = await new Site().start();
  await site.addUnderlay([4, 6]);
  takeTable(site, 99);
  await site.addNic('net2', 6, [4, 6], NET2);
  const theirs = inTable(site, 99);
  assert.equal(theirs.length, 2);
  await site.unplug('net2');
  assert.deepEqual(inTable(site, 99), theirs);
  await works(site, { eth0: ETH0, net1: NET1 });
});

test('a pod of an older agent, where a program has table 99: the program has it alone after net2 has left', async () => {
  using site = await new Site().start();
  await site.addUnderlay([4, 6]);
  await site.addNic('net2', 6, [4, 6], NET2);
  for (const record of site.attachments.ofContainer(containerId)) {
    const { coordinator } = record;
    if (coordinator?.plan === undefined) continue;
    const { numbers: _, ...plan } = coordinator.plan;
    await site.attachments.put({ ...record, coordinator: { ...coordinator, plan } });
  }
  for (const family of ['-4', '-6']) {
    ip('-n', site.lan.pod, family, 'route', 'flush', 'table', '99');
    for (const rule of site.lan.raw('pod', `${family} rule`).filter((text) => text.includes('lookup 99')))
      ip('-n', site.lan.pod, family, 'rule', 'del', ...rule.slice(rule.indexOf(':') + 2).split(' '));
  }
  takeTable(site, 99);
  const theirs = inTable(site, 99);
  await site.unplug('net2');
  assert.deepEqual(inTable(site, 99), theirs);
  for (const name of ['eth0', 'net1']) await site.plugin.check(site.call(name));
});
