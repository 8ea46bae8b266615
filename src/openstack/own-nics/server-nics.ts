// The NICs of this VM, as Nova has them.

import { OrbError } from '#base';
import type { Nova, ServerInterface } from '../nova.ts';

/** With the VM's own. A login that does not see the VM knows nothing of its NICs: it throws OPENSTACK_NOT_FOUND. */
export async function serverNics(
  nova: Pick<Nova, 'interfaces'>,
  serverId: string,
): Promise<readonly ServerInterface[]> {
  const sight = await nova.interfaces(serverId);
  if (sight.is === 'there') return sight.value;
  const message = `Nova does not show server ${serverId} to this login`;
  throw new OrbError('OPENSTACK_NOT_FOUND', { message, subject: serverId });
}
