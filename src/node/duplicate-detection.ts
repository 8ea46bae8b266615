// Switches the kernel's IPv6 duplicate address detection off for a NIC, before its addresses are set: it makes plugins
// wait up to two seconds for each pod, and our own probe has looked already.

import type { NetworkNamespace } from '#net';

/**
 * Called by IPAM's ADD. The NIC by itself; where the plugin makes it only after asking for addresses, what new links
 * inherit. The kernel detects where `all` or the link asks for it (ip-sysctl.rst, accept_dad), and `all` is 0 in a new
 * namespace.
 */
export function switchOffDuplicateDetection(pod: NetworkNamespace, nic: string): void {
  const own = `ipv6/conf/${nic}/accept_dad`;
  const key = pod.sysctl(own) === undefined ? 'ipv6/conf/default/accept_dad' : own;
  const value = pod.sysctl(key);
  // A kernel without IPv6 has neither.
  if (value !== undefined && value !== '0') pod.setSysctl(key, '0');
}
