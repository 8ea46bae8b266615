// Checks of a spec that a schema cannot make: which parts go together, and whether they can be rendered. The CRD has
// rules for some of them too, but an older CRD has accepted objects without these rules.

import { coordinatorIssues } from '#api';
import { isOrbError } from '#base';
import type { AdmissionIssue } from '#plan/ipam';
import { logIssues } from './log-issues.ts';
import { parentName } from './parent.ts';
import { hasIpam, type ParentedPart, parentedPart, partFieldOf, partFields, type Spec } from './spec.ts';

/** What is wrong with a spec. Empty if nothing is wrong. */
export function specIssues(spec: Spec): AdmissionIssue[] {
  const part = parentedPart(spec);
  return [
    ...typeIssues(spec),
    ...(part === undefined ? [] : parentIssues(spec, part)),
    ...vlanModeIssues(spec),
    ...rateIssues(spec),
    ...trunkIssues(spec),
    ...blockIssues(spec),
    ...logIssues(spec),
  ];
}

/** The part of the chosen type must be there, and no other. */
function typeIssues(spec: Spec): AdmissionIssue[] {
  const { cniType } = spec;
  const own = partFieldOf(cniType);
  if (own !== 'customCNI' && spec[own] === undefined) {
    return [{ field: `spec.${own}`, value: undefined, message: `no spec.${own} specified` }];
  }
  const others = [...partFields, 'customCNI' as const].filter((field) => field !== own);
  if (others.every((field) => spec[field] === undefined)) return [];
  const message = `the cniType ${cniType} only supports spec.${own}, please remove other CNI configs`;
  return [{ field: 'spec.cniType', value: cniType, message, forbidden: true }];
}

function parentIssues(spec: Spec, part: ParentedPart): AdmissionIssue[] {
  const field = `spec.${spec.cniType}`;
  if (part.master.length > 1 && part.bond === undefined) {
    const message = 'the bond property is nil with multiple Interfaces';
    return [{ field: `${field}.bond`, value: undefined, message }];
  }
  const issues: AdmissionIssue[] = [];
  if (part.ippools?.matchMasterSubnet) {
    const message = `MatchMasterSubnet feature is not supported for ${spec.cniType}`;
    issues.push({ field: `${field}.ippools.matchMasterSubnet`, value: true, message });
  }
  try {
    parentName(spec, part);
  } catch (error) {
    if (!isOrbError(error, 'INPUT_INVALID')) throw error;
    const { bond, vlanID, master } = part;
    const value = { master, ...(bond && { bond }), ...(vlanID !== undefined && { vlanID }) };
    issues.push({ field, value, message: error.message });
  }
  return issues;
}

/** In the mode auto, a network provider chooses VLAN and MAC address together with the address of the pod. */
function vlanModeIssues(spec: Spec): AdmissionIssue[] {
  const { cniType, vlan, ipam, disableIPAM, enableCoordinator, coordinator } = spec;
  if (cniType !== 'vlan' || vlan?.vlanMode !== 'auto') return [];
  const issues: AdmissionIssue[] = [];
  if (vlan.vlanID !== undefined) {
    const message = 'vlanId must not be specified when vlanMode is auto';
    issues.push({ field: 'spec.vlan.vlanID', value: vlan.vlanID, message });
  }
  if (!hasIpam(spec)) {
    const message = 'no VLAN is chosen without an address: leave IPAM on when vlanMode is auto';
    const own = ipam?.enabled === undefined ? ['disableIPAM', disableIPAM] : ['ipam.enabled', ipam.enabled];
    issues.push({ field: `spec.${own[0]}`, value: own[1], message });
  }
  if (enableCoordinator && coordinator?.podMACPrefix) {
    const message =
      'must be empty when vlanMode is auto: the network accepts only the MAC address of its provider';
    issues.push({ field: 'spec.coordinator.podMACPrefix', value: coordinator.podMACPrefix, message });
  }
  return issues;
}

/** 0 is no limit, so each minimum is valid with a maximum of 0. Spiderpool refuses these. */
function rateIssues({ sriov }: Spec): AdmissionIssue[] {
  const { minTxRateMbps: least = 0, maxTxRateMbps: greatest = 0 } = sriov ?? {};
  if (greatest === 0 || least <= greatest) return [];
  const message = 'minTxRateMbps must be less than maxTxRateMbps';
  return [{ field: 'spec.sriov.minTxRateMbps', value: least, message }];
}

function trunkIssues({ ovs }: Spec): AdmissionIssue[] {
  return (ovs?.trunk ?? []).flatMap((value, index) => {
    const { minID, maxID } = value;
    const field = `spec.ovs.trunk[${index}]`;
    if ((minID === undefined) !== (maxID === undefined)) {
      return [{ field, value, message: 'minID and maxID are required together' }];
    }
    if (minID === undefined || maxID === undefined || minID <= maxID) return [];
    return [{ field, value, message: 'minID is greater than maxID in trunk parameter' }];
  });
}

/** `podCIDRType` may be absent in the block, because only that of the SpiderCoordinator counts. */
function blockIssues({ coordinator }: Spec): AdmissionIssue[] {
  if (coordinator === undefined) return [];
  return coordinatorIssues(coordinator, coordinator).map((issue) => ({
    ...issue,
    field: issue.field.replace(/^spec\b/, 'spec.coordinator'),
  }));
}
