// Switches off the kernel's IPv6 duplicate address detection for a NIC before its addresses are set. It would delay
// plugins up to two seconds for each pod, and our own probe has already checked.

import type { NetworkNamespace } from '#net';

/**
 * Called by IPAM's ADD. Changes the NIC itself. If the plugin makes the NIC only after it has asked for addresses, this
 * changes the default for new links instead. The kernel runs the detection if `all` or the link enables it
 * (ip-sysctl.rst, accept_dad). `all` is 0 in a new namespace.
 */
export function switchOffDuplicateDetection(pod: NetworkNamespace, nic: string): void {
  const own = `ipv6/conf/${nic}/accept_dad`;
  const key = pod.sysctl(own) === undefined ? 'ipv6/conf/default/accept_dad' : own;
  const value = pod.sysctl(key);
  // A kernel without IPv6 has neither key.
  if (value !== undefined && value !== '0') pod.setSysctl(key, '0');
}
