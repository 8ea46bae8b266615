// The reference of addresses on a VM's port, as plugins for OpenStack do it: a file is locked, and one address is appended.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from '#kernel';
import type { Api, PortObject } from '../test/openstack/scene.ts';

/** Between two looks at the lock: shorter than any request. */
const LOOK_MS = 2;

/**
 * Locks, reads the port, appends an address of the subnet, compares the lists before and after, keeps which pod has it,
 * and unlocks. The token is there already: a plugin would log in for each pod.
 */
export async function appendAddress(
  api: Api,
  folder: string,
  portId: string,
  subnetId: string,
  pod: string,
): Promise<string> {
  const path = join(folder, 'lock');
  let lock = lockFile(path);
  for (; lock === undefined; lock = lockFile(path)) await sleep(LOOK_MS);
  try {
    const { port } = await api.neutron<{ port: PortObject }>('GET', `/ports/${portId}`);
    const fixed_ips = [...port.fixed_ips, { subnet_id: subnetId }];
    const changed = await api.neutron<{ port: PortObject }>('PUT', `/ports/${portId}`, {
      port: { fixed_ips },
    });
    const before = port.fixed_ips.map(({ ip_address }) => ip_address);
    const came = changed.port.fixed_ips.find(({ ip_address }) => !before.includes(ip_address));
    if (came === undefined) throw new Error(`Neutron added no address for ${pod}`);
    writeFileSync(join(folder, pod), came.ip_address);
    return came.ip_address;
  } finally {
    lock.release();
  }
}
