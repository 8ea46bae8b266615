// Allocation with probes. An address that another machine uses is quarantined and replaced by another one. A
// StatefulSet's address is fixed to the pod: its ADD fails until the other machine is gone.

import { errorText, type OrbError } from '#base';
import { sameAddress } from '#ip';
import type { ProbeReport } from '#node';
import { withoutAlternative } from '#plan/probe';
import { type Detection, detect, refusalOf } from '../detection.ts';
import type { AllocatedAddress, Allocation, AllocationRequest, Ipam } from './ipam.ts';

export interface ProbedAllocationParts {
  readonly ipam: Ipam;
  /** Gives the NIC what the source demands, before a probe leaves it. */
  readonly meetDemand: (allocation: Allocation) => Promise<void>;
  readonly detection: Detection;
  /** Releases what the pod got for this NIC, after a failure. */
  readonly giveBack: (podUid: string) => Promise<void>;
}

/** An allocation, and whether its addresses on the NIC were probed. */
export interface ProbedAllocation {
  readonly allocation: Allocation;
  readonly probed: boolean;
}

/**
 * Limits the addresses that one ADD quarantines. A proxy that answers ARP for every address would otherwise quarantine
 * the whole pool.
 */
const MOST_CONFLICTS = 5;

/**
 * Allocates, probes the NIC's addresses, and repeats both after a conflict. If no other address exists or is allowed,
 * it fails with the MAC address of the other machine. If a gateway does not answer, it fails with that gateway. After a
 * failure, nothing stays allocated for the NIC.
 */
export async function allocateProbed(
  request: AllocationRequest,
  netns: string,
  { ipam, meetDemand, detection, giveBack }: ProbedAllocationParts,
): Promise<ProbedAllocation> {
  let conflict: OrbError | undefined;
  let podUid: string | undefined;
  try {
    for (let conflicts = 0; ; conflicts++) {
      const allocation = await ipam.allocate(request);
      podUid = allocation.podUid;
      await meetDemand(allocation);
      if (allocation.shared === true) return { allocation, probed: false };
      const own = allocation.addresses.filter(({ nic }) => nic === request.interfaceName);
      const report = await detect(detection, detection, {
        netns,
        nic: request.interfaceName,
        targets: own.map(probeTarget),
        signal: request.signal,
        log: request.log,
      });
      const refusal = refusalOf(report, request.interfaceName);
      if (refusal === undefined) return { allocation, probed: report.kind === 'free' };
      if (report.kind !== 'conflict') throw refusal;
      conflict = refusal;
      const fixed = allocation.fixed === true;
      detection.conflicted({
        pod: { namespace: request.podNamespace, name: request.podName, uid: podUid },
        nic: request.interfaceName,
        address: report.address,
        mac: report.mac,
        outcome: fixed ? 'kept' : 'quarantined',
      });
      if (fixed) throw conflict;
      await quarantine(ipam, request, { podUid, report, own });
      if (conflicts + 1 === MOST_CONFLICTS) throw conflict;
    }
  } catch (error) {
    if (podUid !== undefined) await giveBackAll(podUid, giveBack, request);
    throw conflict === undefined || error === conflict ? error : withoutAlternative(conflict, error);
  }
}

interface Quarantine {
  readonly podUid: string;
  readonly report: Extract<ProbeReport, { kind: 'conflict' }>;
  readonly own: readonly AllocatedAddress[];
}

async function quarantine(
  ipam: Ipam,
  request: AllocationRequest,
  { podUid, report, own }: Quarantine,
): Promise<void> {
  const { interfaceName: nic, signal } = request;
  const addresses = own
    .map(({ address, heldIn }) => ({ address: address.address, heldIn }))
    .filter(({ address }) => sameAddress(address, report.address));
  await ipam.quarantine({ podUid, nic, addresses, signal });
}

function probeTarget({ address, gateway }: AllocatedAddress) {
  return { address: address.address, ...(gateway !== undefined && { gateway }) };
}

async function giveBackAll(
  podUid: string,
  giveBack: ProbedAllocationParts['giveBack'],
  { log }: AllocationRequest,
): Promise<void> {
  try {
    await giveBack(podUid);
  } catch (error) {
    log.warn(
      { error: errorText(error) },
      'could not release addresses after a failed probe; the DEL releases them',
    );
  }
}
