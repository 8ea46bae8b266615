// The plugin that makes the interface. The fields have Spiderpool's order. A zero is written where Spiderpool writes one.

import { ipamObject } from './ipam.ts';
import { parentName } from './parent.ts';
import type { ParentedPart, Spec } from './spec.ts';

/** Makes the configuration of one cniType. Undefined if the spec has no part of that type. */
type MainPlugin = (spec: Spec) => object | undefined;

const mainPlugins: Readonly<Record<Exclude<Spec['cniType'], 'custom'>, MainPlugin>> = {
  macvlan: (spec) => spec.macvlan && onParent(spec, spec.macvlan, { mode: 'bridge' }),
  ipvlan: (spec) => spec.ipvlan && onParent(spec, spec.ipvlan, {}),
  vlan: (spec) => spec.vlan && vlanPlugin(spec, spec.vlan),
  sriov: (spec) => spec.sriov && sriovPlugin(spec, spec.sriov),
  'ib-sriov': (spec) => spec.ibsriov && ibSriovPlugin(spec, spec.ibsriov),
  ipoib: (spec) => spec.ipoib && { type: 'ipoib', master: spec.ipoib.master, ipam: ipamObject(spec) },
  ovs: (spec) => spec.ovs && ovsPlugin(spec, spec.ovs),
};

/** The configuration of the main plugin. Undefined for `custom`, or if the spec has no part of its cniType. */
export function mainPlugin(spec: Spec): object | undefined {
  return spec.cniType === 'custom' ? undefined : mainPlugins[spec.cniType](spec);
}

function onParent(spec: Spec, part: ParentedPart, own: object): object {
  const master = parentName(spec, part);
  return { type: spec.cniType, master, ...own, mtu: part.mtu, ipam: ipamObject(spec) };
}

/**
 * In the mode `auto`, the network provider says which VLAN it is. Spiderpool's own `vlan` executable asks it. Ours is
 * called `eni-vlan`, so that the reference plugin `vlan` of the node stays as it is.
 */
function vlanPlugin(spec: Spec, part: NonNullable<Spec['vlan']>): object {
  const { vlanMode, vlanID = 0 } = part;
  if (vlanMode === 'auto') return onParent(spec, part, { type: 'eni-vlan', vlanMode });
  return onParent(spec, part, { vlanMode, vlanId: vlanID });
}

function sriovPlugin(spec: Spec, part: NonNullable<Spec['sriov']>): object {
  const { vlanID = 0, minTxRateMbps = 0, maxTxRateMbps = 0 } = part;
  return {
    vlan: vlanID,
    min_tx_rate: minTxRateMbps,
    max_tx_rate: maxTxRateMbps,
    type: 'sriov',
    ipam: ipamObject(spec),
  };
}

function ibSriovPlugin(spec: Spec, part: NonNullable<Spec['ibsriov']>): object {
  const { pkey = '', linkState, rdmaIsolation, enableIbKubernetes } = part;
  return {
    type: 'ib-sriov',
    pkey,
    link_state: linkState,
    rdmaIsolation,
    ibKubernetesEnabled: enableIbKubernetes,
    ipam: ipamObject(spec),
  };
}

function ovsPlugin(spec: Spec, { vlan = 0, bridge, deviceID, trunk }: NonNullable<Spec['ovs']>): object {
  return {
    vlan,
    type: 'ovs',
    bridge,
    ...(deviceID && { deviceID }),
    ipam: ipamObject(spec),
    ...(trunk && trunk.length > 0 && { trunk: trunk.map(({ minID, maxID, id }) => ({ minID, maxID, id })) }),
  };
}
