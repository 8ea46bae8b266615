// Reports address conflicts to users: an Event on the pod and a counter. It also reports a conflict when the pod got
// another address and started.

import { resources } from '#api';
import type { Logger } from '#base';
import type { Conflict } from '#cni';
import { formatAddress } from '#ip';
import type { EventRecorder } from '#kube';

/** Where conflicts are reported. */
export interface ConflictEdges {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly log: Logger;
  readonly count: (outcome: Conflict['outcome']) => void;
}

const consequences: Readonly<Record<Conflict['outcome'], string>> = {
  quarantined: 'the address is put into quarantine, and the pod gets another one',
  kept: 'the address cannot be exchanged, so the pod starts when the other machine has released it',
};

export function tellConflict(
  { pod, nic, address, mac, outcome }: Conflict,
  { events, count, log }: ConflictEdges,
): void {
  count(outcome);
  const message = `address ${formatAddress(address)} of interface ${nic} is in use at ${mac}: ${consequences[outcome]}`;
  log.warn({ pod: `${pod.namespace}/${pod.name}`, outcome }, message);
  events.record(resources.pods, { metadata: { ...pod } }, { type: 'Warning', reason: 'IPConflict', message });
}
