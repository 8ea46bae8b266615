// The network namespaces of a running lab, as paths that can be opened from outside.

import { pathInside, type RunningLab } from './running-labs.ts';
import { LAB_STRICT_TABLE, machineNetns } from './topology.ts';

export interface LabNamespace {
  /** For a pod: `namespace/name`. */
  readonly name: string;
  /** `cables` is the lab's own namespace, which contains the bridges. */
  readonly kind: 'pod' | 'node' | 'machine' | 'cables';
  readonly node?: string;
  readonly netns: string;
}

/** The nftables tables of family inet that a trace reads: the node's masquerading for the overlay, and the strict router's filter. */
export const labTables = { overlayTable: 'lab-overlay', strictTable: LAB_STRICT_TABLE } as const;

export function labNamespaces(lab: Pick<RunningLab, 'pid' | 'nodes' | 'pods'>): LabNamespace[] {
  const inside = (path: string) => pathInside(lab.pid, path);
  return [
    { name: 'lab', kind: 'cables', netns: `/proc/${lab.pid}/ns/net` },
    ...machineNetns.map((name) => ({
      ...{ name, kind: 'machine' as const },
      netns: inside(`/run/netns/${name}`),
    })),
    ...lab.nodes.map((name) => ({ name, kind: 'node' as const, netns: inside(`/run/netns/${name}`) })),
    ...lab.pods.map(({ namespace, name, node, netns }) => ({
      ...{ name: `${namespace}/${name}`, kind: 'pod' as const, node },
      netns: inside(netns),
    })),
  ];
}
