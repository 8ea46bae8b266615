// Detection by `coordinator`: what a NetworkAttachmentDefinition asks for, and what IPAM could not probe because the
// NIC did not exist yet.

import { type CniResult, type CoordinatorConf, parseCoordinatorConf } from '#api';
import { parseAddress, parseCidr, sameAddress } from '#ip';
import type { AttachmentRecord, ProbeReport } from '#node';
import type { ProbeTarget } from '#plan/probe';
import { type Detection, type DetectionSwitches, detect, refusalOf } from '../detection.ts';
import { heldAddresses, type Ipam, sourceOf } from '../ipam/index.ts';
import type { NetnsCall } from '../plugin.ts';

export interface LateDetectionParts {
  readonly detection: Detection;
  /** The sources of addresses, by CNI type. */
  readonly sources: ReadonlyMap<string, Ipam>;
}

/** The state of the ADD so far. */
export interface LateDetectionInput {
  readonly prevResult: CniResult;
  readonly record: AttachmentRecord;
}

/**
 * Throws ADDRESS_CONFLICT or GATEWAY_UNREACHABLE. The NIC already has its addresses, so this ADD cannot avoid a
 * conflict. The address is quarantined instead, and the runtime's next attempt gets another one, unless the address is
 * fixed to the pod.
 */
export async function detectLate(
  call: NetnsCall,
  { prevResult, record }: LateDetectionInput,
  { detection, sources }: LateDetectionParts,
): Promise<void> {
  if (record.coordinator?.state === 'done' || record.ipam?.shared === true) return;
  const { interfaceName: nic } = call.environment;
  const { netns, signal, log } = call;
  const site = { netns, nic, targets: targetsOf(prevResult, nic), signal, log };
  const conf = parseCoordinatorConf(call.conf);
  const { timeout: deadlineMs = detection.deadlineMs } = conf.detectOptions ?? {};
  const report = await detect({ ...detection, deadlineMs }, switchesOf(conf, record, detection), site);
  if (report.kind === 'conflict') await exchange(report, { nic, record, signal }, { detection, sources });
  const refusal = refusalOf(report, nic);
  if (refusal !== undefined) throw refusal;
}

/** An address of another IPAM plugin, or a fixed one, cannot be exchanged. */
async function exchange(
  { address, mac }: Extract<ProbeReport, { kind: 'conflict' }>,
  {
    nic,
    record,
    signal,
  }: { readonly nic: string; readonly record: AttachmentRecord; readonly signal: AbortSignal },
  { detection, sources }: LateDetectionParts,
): Promise<void> {
  const { pod } = record;
  if (pod === undefined) return;
  const addresses = heldAddresses(record).filter((one) => sameAddress(one.address, address));
  const source = sources.get(sourceOf(record) ?? '');
  const isKept = source === undefined || record.ipam?.fixed === true || addresses.length === 0;
  detection.conflicted({ pod, nic, address, mac, outcome: isKept ? 'kept' : 'quarantined' });
  if (!isKept) await source.quarantine({ podUid: pod.uid, nic, addresses, signal });
}

/**
 * The definition overrides the configuration. IPAM has already probed what the configuration asks for, where it could.
 */
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
      ...(gateway !== undefined && { gateway: parseAddress(gateway) }),
    }));
}
