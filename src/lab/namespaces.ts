// The network namespaces of a running lab, as paths that can be opened from outside of it.

import { pathInside, type RunningLab } from './running-labs.ts';
import { labStrictTable, machineNetns } from './topology.ts';

export interface LabNamespace {
  /** Of a pod `namespace/name`. */
  readonly name: string;
  /** `cables`: the lab's own, where the bridges are. */
  readonly kind: 'pod' | 'node' | 'machine' | 'cables';
  readonly node?: string;
  readonly netns: string;
}

/** The nftables tables of family inet that a trace reads: where nodes masquerade what leaves the overlay, where a router is strict. */
export const labTables = { overlayTable: 'lab-overlay', strictTable: labStrictTable } as const;

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
