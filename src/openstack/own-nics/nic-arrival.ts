// Waits for a NIC that Nova has attached: Nova answers before the VM has it.

import { BackOff, type Clock, OrbError } from '#base';
import type { Neutron } from '../neutron.ts';

export interface NicArrivalParts {
  readonly neutron: Pick<Neutron, 'port'>;
  /** Resolves when the node has a link with this MAC address. Rejects when the signal aborts. */
  readonly linkArrives: (mac: string, signal: AbortSignal) => Promise<unknown>;
  readonly clock: Clock;
}

/** From Nova's answer until the node has the NIC and the port is ACTIVE. */
const ARRIVAL_TIMEOUT_MS = 60_000;
/** Between two looks at what Nova and its hypervisor do. */
export const looks = { firstMs: 200, maximumMs: 2_000 };

/**
 * Resolves when the node has the NIC and its port is ACTIVE. The kernel tells of the link; of the port, Neutron is asked
 * again and again. Throws OPENSTACK_NIC_LATE.
 */
export async function nicArrives(
  { id, mac }: { readonly id: string; readonly mac: string },
  { neutron, linkArrives, clock }: NicArrivalParts,
): Promise<void> {
  const deadline = new AbortController();
  let status = 'not read yet';
  let hasCome = false;
  const link = linkArrives(mac, deadline.signal).then(() => {
    hasCome = true;
  });
  const isActive = async () => {
    const waits = new BackOff(looks);
    for (;;) {
      const sight = await neutron.port(id, { signal: deadline.signal });
      status = sight.is === 'there' ? sight.value.status : 'gone';
      if (status === 'ACTIVE') return;
      await clock.sleep(waits.next(), deadline.signal);
    }
  };
  const port = isActive();
  const late = clock.sleep(ARRIVAL_TIMEOUT_MS, deadline.signal).then(
    () => {
      const seen = hasCome ? 'is on the node' : `(${mac}) is not on the node`;
      const message = `${ARRIVAL_TIMEOUT_MS / 1000} s after Nova attached port ${id}, its NIC ${seen}, and the port is ${status}`;
      throw new OrbError('OPENSTACK_NIC_LATE', { message, subject: id });
    },
    () => {}, // both have come
  );
  try {
    await Promise.race([Promise.all([link, port]), late]);
  } finally {
    deadline.abort(new Error('nobody waits for the NIC any more'));
    await Promise.allSettled([link, port, late]);
  }
}
