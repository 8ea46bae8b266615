// A process that takes or leaves addresses of a mode. It may be told to die at a step, as by kill -9.
// node writer.ts MODE PORT NETWORK SUBNET FOLDER WARM DIE-AT VERB OWNER…   WARM: how many addresses are kept ready;
// DIE-AT: "step 3", "request 2", or "never"; VERB: take, give, or keep: give what others than the owners have

import type { NeutronMode } from '#api';
import { systemClock } from '#base';
import { LedgerFile } from '#openstack/own-port';
import { addressesOf, neutronWith } from './keepers.ts';
import { client } from './scene.ts';

const [
  mode = '',
  portId = '',
  networkId = '',
  subnetId = '',
  folder = '',
  warm = '0',
  dieAt = '',
  verb = '',
  ...owners
] = process.argv.slice(2);
const cloud = client();
const file = new LedgerFile(folder, mode === 'fixed-ips' ? portId : `${mode}-${portId}`, systemClock);
let steps = 0;
let requests = 0;

const die = () => process.kill(process.pid, 'SIGKILL');

/** Before a write of the ledger, after it, and after each answer of Neutron. */
function step(): void {
  if (dieAt === `step ${++steps}`) die();
}

/** Dies while a request is under way: Neutron has it, and does it later. */
function request(): void {
  if (dieAt === `request ${++requests}`) setTimeout(die, 30);
}

const addresses = addressesOf({
  mode: mode as NeutronMode,
  neutron: neutronWith(cloud, {
    before: (_, isWrite) => (isWrite ? request() : undefined),
    after: (name) => (name === 'floatingIpsOf' || name === 'disassociate' ? undefined : step()),
  }),
  file: {
    locked: (work) => file.locked(work),
    read: () => file.read(),
    update: async (change) => {
      step();
      const ledger = await file.update(change);
      step();
      return ledger;
    },
  },
  portId,
  networkId,
  nodeAddresses: [],
  warm: { low: Number(warm), high: Number(warm) },
});

const taken: (readonly [string, string])[] = [];
if (verb === 'take') {
  taken.push(
    ...(await Promise.all(
      owners.map(async (owner) => [owner, await addresses.take(owner, subnetId)] as const),
    )),
  );
} else {
  await addresses.release((own) => owners.includes(own.owner) === (verb === 'give'), 0);
  await addresses.tend([subnetId]);
}
console.log(JSON.stringify({ taken, requests, steps }));
cloud.close();
