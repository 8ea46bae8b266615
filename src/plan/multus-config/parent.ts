// The parent interface of a macvlan, ipvlan or vlan network, and the `ifacer` plugin that makes it.

import { desiredParent, type ParentConf } from '#plan/parent';
import type { ParentedPart, Spec } from './spec.ts';

/** What `ifacer` is asked for. The vlan plugin makes its VLAN itself, so only a bond is left to `ifacer`. */
export function parentConf({ cniType }: Spec, { master, vlanID = 0, bond }: ParentedPart): ParentConf {
  return {
    interfaces: master,
    vlanID: cniType === 'vlan' ? 0 : vlanID,
    bond: bond && { name: bond.name, mode: bond.mode, options: bond.options ?? '' },
  };
}

/**
 * The interface that the main plugin uses as its parent.
 * @throws OrbError INPUT_INVALID for a name that is too long, or options that a bond does not have
 */
export function parentName(spec: Spec, part: ParentedPart): string {
  const { bond, vlan } = desiredParent(parentConf(spec, part));
  return vlan?.name ?? bond?.name ?? part.master[0] ?? '';
}

/** The configuration of `ifacer`. Undefined if the parent exists already. */
export function ifacerPlugin(spec: Spec, part: ParentedPart): object | undefined {
  const { interfaces, vlanID, bond } = parentConf(spec, part);
  if (vlanID === 0 && interfaces.length < 2) return undefined;
  return { ...(vlanID !== 0 && { vlanID }), type: 'ifacer', interfaces, ...(bond && { bond }) };
}
