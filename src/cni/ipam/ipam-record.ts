// The record of the addresses of an attachment on the disk: first that a pod will get addresses, then which it got.

import { type CniResult, ipamType, type NetConf } from '#api';
import { formatCidr, parseCidr } from '#ip';
import { type AttachmentRecord, ipamPart, partOf, type RecordedAddress } from '#node';
import type { NetnsCall } from '../plugin.ts';
import type { AllocatedAddress, HeldAddress } from './ipam.ts';
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

/** The record before anything is allocated. `planned` are the addresses that the source is about to take. */
export function intendedRecord(add: RecordedAdd, planned: readonly AllocatedAddress[]): AttachmentRecord {
  const addresses = planned.map(recordedAddress);
  return {
    ...begun(add),
    ipam: { state: 'intended', netConf: confOf(add.call.conf), result: {}, addresses },
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
      addresses: allocation.addresses.map(recordedAddress),
      ...(probed && { probed }),
      ...(allocation.fixed === true && { fixed: true }),
      ...(allocation.shared === true && { shared: true }),
    },
  };
}

function recordedAddress({ nic, address, heldIn }: AllocatedAddress): RecordedAddress {
  return { nic, address: formatCidr(address), pool: heldIn };
}

/** The addresses of an attachment as its source knows them: all, or those of one NIC. */
export function heldAddresses(record: AttachmentRecord, nic?: string): HeldAddress[] {
  const { addresses = [] } = partOf(record, ipamPart) ?? {};
  return addresses
    .filter((one) => nic === undefined || one.nic === nic)
    .map(({ address, pool }) => ({ address: parseCidr(address).address, heldIn: pool }));
}

/** The CNI type whose source gave the addresses: the one that the main plugin was told to delegate to. */
export function sourceOf(record: AttachmentRecord): string | undefined {
  return ipamType(partOf(record, ipamPart)?.netConf.ipam);
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
    ...(before?.coordinator !== undefined && { coordinator: before.coordinator }),
    ...(before?.parts !== undefined && { parts: before.parts }),
  };
}

/** The configuration from the runtime, without the result of the earlier plugins that the runtime repeats in it. */
function confOf({ prevResult: _, ...conf }: NetConf): Record<string, unknown> {
  return conf;
}
