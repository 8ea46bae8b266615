// What an installation gives the agent's container.

import type { Mount } from './bundle.ts';

export const agentCapabilities = ['NET_ADMIN', 'NET_BROADCAST', 'NET_RAW', 'SYS_ADMIN'];

/** Bytes: the limit that docs/images.md names. */
export const agentMemoryLimit = 256 << 20;

export const agentMounts: readonly Mount[] = [
  { from: '/run/orbweaver', to: '/run/orbweaver' },
  { from: '/var/lib/orbweaver', to: '/var/lib/orbweaver' },
  { from: '/opt/cni/bin', to: '/opt/cni/bin' },
  { from: '/etc/cni/net.d', to: '/etc/cni/net.d', readOnly: true },
  { from: '/run/netns', to: '/run/netns' },
  { from: '/proc/sys/net', to: '/host/proc/sys/net' },
];
