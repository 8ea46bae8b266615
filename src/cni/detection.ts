// Detection of address conflicts and dead gateways, as ADD of `spiderpool` and of `coordinator` use it.

import type { Logger, OrbError } from '#base';
import type { Address } from '#ip';
import type { Mac } from '#net';
import type { Announcement, ProbeReport, ProbeRequest } from '#node';
import { conflictError, gatewayError, type ProbeTarget, unheardError } from '#plan/probe';

/** What is looked for. */
export interface DetectionSwitches {
  readonly conflict: boolean;
  readonly gateway: boolean;
}

/** The probes as an edge, with what the agent's configuration says of them. */
export interface Detection extends DetectionSwitches {
  readonly deadlineMs: number;
  readonly probe: (request: ProbeRequest) => Promise<ProbeReport>;
  /** Told of each conflict: for the pod's Events and the agent's counters. */
  readonly conflicted: (conflict: Conflict) => void;
  /** Tells neighbours the link address of addresses that the NIC has. */
  readonly announce: (announcement: Announcement) => Promise<void>;
}

/** Another machine has an address that was meant for a pod. */
export interface Conflict {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly nic: string;
  readonly address: Address;
  /** Of the other machine. */
  readonly mac: Mac;
  /** Whether the address went into quarantine; one that is the pod's for good, or another IPAM plugin's, is kept. */
  readonly outcome: 'quarantined' | 'kept';
}

/** A NIC in a pod's namespace and the addresses that it is to have. */
export interface DetectionSite {
  readonly netns: string;
  readonly nic: string;
  readonly targets: readonly ProbeTarget[];
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Probes for what the switches say; gateways of the targets are left alone where they are not looked for. */
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
      'addresses are not probed here: the interface is not there yet, or no Ethernet',
    );
  }
  return report;
}

/** The error that a report means for an ADD; undefined where it may go on. */
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
