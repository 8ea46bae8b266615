// What `spiderpool` notes of an attachment on the disk: that a pod will get addresses, and which it got.

import type { CniResult, NetConf } from '#api';
import { formatCidr } from '#ip';
import type { AttachmentRecord } from '#node';
import type { NetnsCall } from './plugin.ts';
import type { ProbedAllocation } from './probed-allocation.ts';

/** Whose addresses they are. */
export type RecordedPod = NonNullable<AttachmentRecord['pod']>;

/** The ADD that a record is about. */
export interface RecordedAdd {
  readonly call: NetnsCall;
  readonly pod: RecordedPod;
  /** What an earlier ADD of the same attachment has left. */
  readonly before: AttachmentRecord | undefined;
  readonly timestamp: string;
}

/** Before a pool is written. */
export function intendedRecord(add: RecordedAdd): AttachmentRecord {
  return {
    ...begun(add),
    ipam: { state: 'intended', netConf: confOf(add.call.conf), result: {}, addresses: [] },
  };
}

/** Once all is allocated. */
export function doneRecord(
  add: RecordedAdd,
  { allocation, probed }: ProbedAllocation,
  result: CniResult,
): AttachmentRecord {
  return {
    ...begun(add),
    ipam: {
      state: 'done',
      netConf: confOf(add.call.conf),
      result,
      addresses: allocation.addresses.map(({ nic, address, pool }) => ({
        nic,
        address: formatCidr(address),
        pool,
      })),
      ...(probed ? { probed } : {}),
      ...(allocation.fixed === true ? { fixed: true } : {}),
    },
  };
}

/** What the coordinator did, if this ADD is a repeat, stays, and so does the inode that it noted. */
function begun({ call, pod, before, timestamp }: RecordedAdd): AttachmentRecord {
  const { containerId, ifName } = call.environment;
  return {
    version: 1,
    containerId,
    interfaceName: ifName,
    netns: before?.netns?.path === call.netns ? before.netns : { path: call.netns },
    network: call.conf.name,
    pod,
    createdAt: timestamp,
    ...(before?.coordinator === undefined ? {} : { coordinator: before.coordinator }),
  };
}

/** What the runtime passed, less what it repeats from elsewhere. */
function confOf({ prevResult: _, ...conf }: NetConf): Record<string, unknown> {
  return conf;
}
