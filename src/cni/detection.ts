// Detection of address conflicts and unreachable gateways, for ADD of types that give addresses and of `coordinator`.

import type { Logger, OrbError } from '#base';
import type { Address } from '#ip';
import type { Mac } from '#net';
import type { Announcement, ProbeReport, ProbeRequest } from '#node';
import { conflictError, gatewayError, type ProbeTarget, unheardError } from '#plan/probe';

/** What to look for. */
export interface DetectionSwitches {
  readonly conflict: boolean;
  readonly gateway: boolean;
}

/** The probes, with the agent's settings for them. */
export interface Detection extends DetectionSwitches {
  readonly deadlineMs: number;
  readonly probe: (request: ProbeRequest) => Promise<ProbeReport>;
  /** Called for each conflict, to create the pod's Event and to count it. */
  readonly conflicted: (conflict: Conflict) => void;
  /** Tells neighbours the link address of the NIC's addresses. */
  readonly announce: (announcement: Announcement) => Promise<void>;
}

/** Another machine uses an address that was meant for a pod. */
export interface Conflict {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly nic: string;
  readonly address: Address;
  /** The MAC address of the other machine. */
  readonly mac: Mac;
  /**
   * Whether the address was quarantined. An address that the pod keeps for good, or that another IPAM plugin gave, is
   * kept.
   */
  readonly outcome: 'quarantined' | 'kept';
}

/** A NIC in a pod's namespace and the addresses that it will have. */
export interface DetectionSite {
  readonly netns: string;
  readonly nic: string;
  readonly targets: readonly ProbeTarget[];
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Probes what the switches enable. Gateways of the targets are probed only if gateway detection is on. */
export async function detect(
  { probe, deadlineMs }: Detection,
  { conflict, gateway }: DetectionSwitches,
  site: DetectionSite,
): Promise<ProbeReport> {
  if (!(conflict || gateway) || site.targets.length === 0) return { kind: 'free' };
  const targets = gateway ? site.targets : site.targets.map(({ address }) => ({ address }));
  const report = await probe({ ...site, targets, detectConflict: conflict, deadlineMs });
  if (report.kind === 'absent') {
    site.log.warn(
      { nic: site.nic },
      'the addresses are not probed: the interface does not exist yet, or is not an Ethernet interface',
    );
  }
  return report;
}

/** The error with which an ADD must fail for this report; undefined if it may continue. */
export function refusalOf(report: ProbeReport, nic: string): OrbError | undefined {
  switch (report.kind) {
    case 'free':
    case 'absent':
      return undefined;
    case 'conflict':
      return conflictError(nic, report.address, report.mac);
    case 'unreachable':
      return gatewayError(nic, report.gateway);
    case 'unheard':
      return unheardError(nic, report.refusal);
  }
}
