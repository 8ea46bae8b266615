// The floating IPs that pods of a cluster have. The key is the pod's UID, so a pod of the same name is another one.

import { z } from 'zod';
import { FLOATING_IPS_NAME } from '#plan/installation';
import type { Neutron } from '../neutron.ts';
import type { FloatingIp } from '../neutron-objects.ts';
import type { LedgerPlace } from './cloud-ledger.ts';

const schema = z.object({
  /** `namespace/name`. */
  pod: z.string(),
  /** Whether it was made for the pod. Then it is deleted with the pod. */
  isMade: z.boolean(),
  /** Null: it is being made. Its description finds it. */
  floatingIpId: z.string().nullable(),
  portId: z.string().nullable(),
  address: z.string().nullable(),
});

export type FloatingEntry = z.infer<typeof schema>;

export function floatingLedger(
  where: Pick<LedgerPlace<FloatingEntry>, 'client' | 'namespace'>,
): LedgerPlace<FloatingEntry> {
  return { client: where.client, namespace: where.namespace, name: FLOATING_IPS_NAME, schema };
}

/** Neutron's own text of what was made for a pod: found again by it after a program died. */
export const floatingDescription = (uid: string): string => `orbweaver: pod ${uid}`;

/** Whether it leads nowhere, or where we led it. Else somebody led it elsewhere: it is theirs now. */
export function isAsLeft(floating: FloatingIp, entry: FloatingEntry | undefined): boolean {
  const { port_id: portId, fixed_ip_address: address } = floating;
  return portId === null || (portId === entry?.portId && address === entry.address);
}

/** What was made for the pod is deleted, and anything else leads nowhere. */
export async function takeBackFloating(
  neutron: Pick<Neutron, 'floatingIp' | 'floatingIps' | 'deleteFloatingIp' | 'disassociate'>,
  uid: string,
  entry: FloatingEntry,
  signal: AbortSignal,
): Promise<void> {
  if (entry.isMade) await deleteMadeFloating(neutron, uid, { entry, kept: undefined }, signal);
  if (entry.floatingIpId === null) return;
  const sight = await neutron.floatingIp(entry.floatingIpId, { signal });
  if (sight.is === 'absent' || !isAsLeft(sight.value, entry)) return;
  // Its description may have been changed.
  if (entry.isMade) await neutron.deleteFloatingIp(sight.value.id, { signal });
  else if (sight.value.port_id !== null) await neutron.disassociate(sight.value.id, { signal });
}

/** Deletes what was made for the pod: perhaps several, in one network or another, as programs died. One may be kept. */
export async function deleteMadeFloating(
  neutron: Pick<Neutron, 'floatingIps' | 'deleteFloatingIp'>,
  uid: string,
  { entry, kept }: { readonly entry: FloatingEntry | undefined; readonly kept: FloatingIp | undefined },
  signal: AbortSignal,
): Promise<void> {
  for (const one of await neutron.floatingIps({ description: floatingDescription(uid) }, { signal }))
    if (one.id !== kept?.id && isAsLeft(one, entry)) await neutron.deleteFloatingIp(one.id, { signal });
}
