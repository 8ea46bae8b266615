// The parts of a SpiderMultusConfig, and which of them configures the main plugin.

import type { SpiderMultusConfig } from '#api';

export type Spec = NonNullable<SpiderMultusConfig['spec']>;
/** macvlan, ipvlan or vlan. */
export type ParentedPart = NonNullable<Spec['macvlan'] | Spec['vlan']>;
export type Pools = NonNullable<ParentedPart['ippools']>;
export type LogOptions = NonNullable<Spec['logOptions']>;

/** The fields with the configuration of one type each. */
export const partFields = ['macvlan', 'ipvlan', 'vlan', 'sriov', 'ovs', 'ibsriov', 'ipoib'] as const;

export type PartField = (typeof partFields)[number];

/** The field that configures a cniType. The type `custom` has `customCNI` instead. */
export function partFieldOf(cniType: Spec['cniType']): PartField | 'customCNI' {
  if (cniType === 'custom') return 'customCNI';
  return cniType === 'ib-sriov' ? 'ibsriov' : cniType;
}

/** The configuration of a type that makes its NIC on a parent interface, with its field. */
export function parentedPart({ cniType, macvlan, ipvlan, vlan }: Spec): ParentedPart | undefined {
  if (cniType === 'macvlan') return macvlan;
  if (cniType === 'ipvlan') return ipvlan;
  return cniType === 'vlan' ? vlan : undefined;
}

/** The pools of the main plugin. */
export function poolsOf(spec: Spec): Pools | undefined {
  const field = partFieldOf(spec.cniType);
  return field === 'customCNI' ? undefined : spec[field]?.ippools;
}

/** Whether the interface gets addresses. `ipam.enabled` decides before the older `disableIPAM`, as in Spiderpool. */
export function hasIpam({ ipam, disableIPAM }: Spec): boolean {
  return ipam?.enabled ?? !disableIPAM;
}

/**
 * The device plugin's resource that the network needs, as Spiderpool's injection knows it. Empty if it names none.
 */
export function resourceName(spec: Spec): string {
  if (spec.cniType === 'sriov') return spec.sriov?.resourceName ?? '';
  if (spec.cniType === 'ib-sriov') return spec.ibsriov?.resourceName ?? '';
  if (spec.cniType === 'ipoib') return spec.ipoib?.master ?? '';
  return parentedPart(spec)?.rdmaResourceName ?? '';
}
