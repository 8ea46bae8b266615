// A process that takes or leaves addresses of a port. It may be told to die at a step, as by kill -9.
// node writer.ts PORT SUBNET FOLDER WARM DIE-AT VERB OWNER…   WARM: how many addresses are kept ready;
// DIE-AT: "step 3", "request 2", or "never"; VERB: take, give, or keep: give what others than the owners have

import { silentLogger, systemClock } from '#base';
import { LedgerFile, PortAddresses, type PortAddressesParts } from '#openstack';
import { client } from './scene.ts';

const [portId = '', subnetId = '', folder = '', warm = '0', dieAt = '', verb = '', ...owners] =
  process.argv.slice(2);
const cloud = client();
const file = new LedgerFile(folder, portId, systemClock);
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

const parts: PortAddressesParts = {
  neutron: {
    port: async (...words) => {
      const sight = await cloud.neutron.port(...words);
      step();
      return sight;
    },
    updatePort: async (...words) => {
      request();
      const port = await cloud.neutron.updatePort(...words);
      step();
      return port;
    },
    floatingIpsOf: (...words) => cloud.neutron.floatingIpsOf(...words),
    disassociate: (...words) => cloud.neutron.disassociate(...words),
  },
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
  clock: systemClock,
  log: silentLogger,
  nodeAddresses: [],
  warm: { low: Number(warm), high: Number(warm) },
};
const addresses = new PortAddresses(parts);

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
