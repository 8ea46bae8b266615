// The record that `spiderpool` keeps of an attachment on the disk: first that a pod will get addresses, then which it
// got.

import type { CniResult, NetConf } from '#api';
import { formatCidr } from '#ip';
import type { AttachmentRecord } from '#node';
import type { NetnsCall } from '../plugin.ts';
import type { ProbedAllocation } from './probed-allocation.ts';

/** The pod that owns the addresses. */
export type RecordedPod = NonNullable<AttachmentRecord['pod']>;

/** The ADD that a record describes. */
export interface RecordedAdd {
  readonly call: NetnsCall;
  readonly pod: RecordedPod;
  /** The record that an earlier ADD of the same attachment has left. */
  readonly before: AttachmentRecord | undefined;
  readonly timestamp: string;
}

/** The record before a pool is written. */
export function intendedRecord(add: RecordedAdd): AttachmentRecord {
  return {
    ...begun(add),
    ipam: { state: 'intended', netConf: confOf(add.call.conf), result: {}, addresses: [] },
  };
}

/** The record after everything is allocated. */
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

/** A repeated ADD keeps what the other types did, and the inode that the coordinator recorded. */
function begun({ call, pod, before, timestamp }: RecordedAdd): AttachmentRecord {
  const { containerId, interfaceName } = call.environment;
  return {
    version: 1,
    containerId,
    interfaceName,
    netns: before?.netns?.path === call.netns ? before.netns : { path: call.netns },
    network: call.conf.name,
    pod,
    createdAt: timestamp,
    ...(before?.coordinator === undefined ? {} : { coordinator: before.coordinator }),
    ...(before?.parts === undefined ? {} : { parts: before.parts }),
  };
}

/** The configuration from the runtime, without the result of the earlier plugins that the runtime repeats in it. */
function confOf({ prevResult: _, ...conf }: NetConf): Record<string, unknown> {
  return conf;
}
