// Detection by `coordinator`: what a NetworkAttachmentDefinition asks for, and what IPAM could not probe because the NIC came later.

import { type CniResult, type CoordinatorConf, parseCoordinatorConf } from '#api';
import { formatAddress, parseAddress, parseCidr, sameAddress } from '#ip';
import type { AttachmentRecord } from '#node';
import type { ProbeTarget } from '#plan/probe';
import { type Detection, type DetectionSwitches, detect, refusalOf } from './detection.ts';
import type { Ipam } from './ipam.ts';
import type { NetnsCall } from './plugin.ts';

export interface LateDetectionParts {
  readonly detection: Detection;
  readonly ipam: Pick<Ipam, 'quarantine'>;
}

/** The ADD so far. */
export interface LateDetectionInput {
  readonly prevResult: CniResult;
  readonly record: AttachmentRecord;
}

/**
 * Throws ADDRESS_CONFLICT or GATEWAY_UNREACHABLE. The NIC has its addresses by now: a conflict cannot be mended, but the address goes
 * into quarantine, so that the next attempt of the runtime gets another one, unless it is the pod's for good.
 */
export async function detectLate(
  call: NetnsCall,
  { prevResult, record }: LateDetectionInput,
  { detection, ipam }: LateDetectionParts,
): Promise<void> {
  if (record.coordinator?.state === 'done') return;
  const { ifName: nic } = call.environment;
  const { netns, signal, log } = call;
  const site = { netns, nic, targets: targetsOf(prevResult, nic), signal, log };
  const conf = parseCoordinatorConf(call.conf);
  const { timeout: deadlineMs = detection.deadlineMs } = conf.detectOptions ?? {};
  const report = await detect({ ...detection, deadlineMs }, switchesOf(conf, record, detection), site);
  if (report.kind === 'conflict' && record.pod !== undefined) {
    const fixed = record.ipam?.fixed === true;
    const { address, mac } = report;
    detection.conflicted({
      pod: record.pod,
      nic,
      address,
      mac,
      outcome: fixed ? 'kept' : 'quarantined',
    });
    const addresses = (record.ipam?.addresses ?? [])
      .map(({ address, pool }) => ({ address: parseCidr(address).address, pool }))
      .filter(({ address }) => sameAddress(address, report.address));
    log.warn(
      { nic, address: formatAddress(report.address), mac: report.mac },
      'another machine uses the address',
    );
    if (!fixed) await ipam.quarantine({ podUid: record.pod.uid, nic, addresses, signal });
  }
  const refusal = refusalOf(report, nic);
  if (refusal !== undefined) throw refusal;
}

/** The definition decides over the configuration; what the configuration asks for, IPAM has probed where it could. */
function switchesOf(
  { detectIPConflict, detectGateway }: CoordinatorConf,
  record: AttachmentRecord,
  configured: DetectionSwitches,
): DetectionSwitches {
  const probed = record.ipam?.probed ?? false;
  return {
    conflict: (detectIPConflict ?? configured.conflict) && !(probed && configured.conflict),
    gateway: (detectGateway ?? configured.gateway) && !(probed && configured.gateway),
  };
}

function targetsOf({ interfaces = [], ips = [] }: CniResult, nic: string): ProbeTarget[] {
  return ips
    .filter((ip) => ip.interface === undefined || interfaces[ip.interface]?.name === nic)
    .map(({ address, gateway }) => ({
      address: parseCidr(address).address,
      ...(gateway === undefined ? {} : { gateway: parseAddress(gateway) }),
    }));
}
