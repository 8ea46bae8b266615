// Makes the parent interface on the node that `ifacer` was asked for. Everything happens in one turn of the event loop,
// so that pods that start together wait for it.

import { errnoOf, type NetworkChange, type NetworkNamespace } from '#net';
import { type DesiredParent, planParent } from '#plan/parent';

/**
 * Returns what was left unchanged although it differs from the request. Throws KERNEL_LACKS if the kernel does not
 * support such links.
 */
export function applyParent(desired: DesiredParent, node: NetworkNamespace): readonly string[] {
  const { stages, optional, notes } = planParent(desired, observeParents(node));
  for (const stage of stages) node.change(stage);
  const unmet = optional.filter(({ change }) => !isMet(change, node)).map((one) => one.unmet);
  return [...notes, ...unmet];
}

function isMet(change: NetworkChange, node: NetworkNamespace): boolean {
  try {
    node.change([change]);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
    return false;
  }
}

/** The input of `planParent`. */
export function observeParents(node: NetworkNamespace) {
  return { links: node.links(), addresses: node.addresses() };
}
