// An agent whose ledger of NICs was lost while pods have them.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLogger } from '#base';
import { parseCidr } from '#ip';
import { FakeNamespace } from '#net/testing';
import { KIND, NicCloud, SERVER } from '#openstack/testing';
import { NicSource } from './nic-source.ts';

let folder: string;
let cloud: NicCloud;
let source: NicSource | undefined;
/** Events on the node. */
let warnings: [string, string][];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ow-lost-'));
  cloud = new NicCloud(folder);
  warnings = [];
  await cloud.agent().make(KIND, 'container eth0');
});
afterEach(() => {
  source?.stop();
  rmSync(folder, { recursive: true });
});

const ledgerFile = () => join(folder, `${SERVER}.nics.json`);

/** `gaveNics`: whether a record of this node says so. */
function startAgent(gaveNics: boolean): void {
  const node = new FakeNamespace({});
  node.addLink({ name: 'ens3', mac: 'fa:16:3e:00:00:01', up: true, carrier: true });
  const destination = parseCidr('0.0.0.0/0');
  node.change([
    {
      verb: 'create',
      kind: 'route',
      route: { destination, dev: 'ens3', table: 254, type: 'unicast' } as never,
    },
  ]);
  const { nova, neutron } = cloud.client();
  // An agent that stops may tell something once more.
  const own = warnings;
  source = new NicSource({
    cloud: {
      login: () => ({ client: { nova, neutron } }),
      identityOf: async () => ({ serverId: SERVER, networkId: 'lan' }),
    } as never,
    ...{ node, folder, clock: cloud.clock, log: silentLogger, families: [4], warm: { low: 0, high: 2 } },
    origin: async () => ({ node: 'n1', cluster: 'c1' }),
    podUidOf: () => 'u1',
    gaveNics: () => gaveNics,
    changed: () => {},
    events: { record: () => {} },
    warnOnNode: (reason, message) => own.push([reason, message]),
  });
  source.start();
}

async function warned(): Promise<string> {
  for (let i = 0; i < 500 && warnings.length === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return warnings[0]?.join(': ') ?? 'nothing';
}

test('a ledger that is gone is told on the node, with the ports and what an operator can do', async () => {
  rmSync(ledgerFile());
  startAgent(true);
  assert.match(
    await warned(),
    /^NicLedgerLost: the ledger of the NICs of VM vm was lost: nobody knows whose ports port-1 are.* openstack server remove port vm port-1$/,
  );
  assert.equal(cloud.attached.length, 1, 'the NIC stays');
});

test('a ledger that is empty is told on the node, and nothing is guessed', async () => {
  writeFileSync(ledgerFile(), '');
  startAgent(false);
  assert.match(
    await warned(),
    /^NicLedgerLost: .*vm\.nics\.json is not JSON: .*: pods get no NIC of the cloud.* Move the file away/,
  );
  assert.deepEqual([cloud.attached.length, readdirSync(folder)], [1, ['vm.nics.json']]);
});

test('a ledger that is there is no news', async () => {
  startAgent(true);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(warnings, []);
});
