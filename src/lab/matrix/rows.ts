// The rows of the forwarding matrix as data: who asks whom, where both are, and which settings can matter.
//
// Numbers and letters are those of Spiderpool's connectivity matrix (docs/concepts, "multi CNI coexistence"); docs/matrix.md repeats it. C
// is a pod with only the overlay, M a pod with only the underlay. X has eth0 in the overlay and more NICs in the underlay.

import type { TrafficPolicy } from './objects.ts';
import type { Letter } from './pod-kinds.ts';

/** Who asks. For a letter, pods of every such kind ask. `node` is the machine itself, `client` is a machine behind the router. */
export type Asker = Letter | 'node' | 'client';

/** Who is asked. For a letter, pods of every such kind are asked; for a kind, each NIC of the network is asked. */
export type Target = PodTarget | { readonly kind: 'node' } | { readonly kind: 'client' };

export type PodTarget =
  | { readonly kind: 'underlay address' | 'overlay address' | 'ClusterIP'; readonly of: Letter }
  | {
      readonly kind: 'NodePort';
      readonly of: Letter;
      readonly policy: TrafficPolicy;
      /** Whether the node that is asked is the node of the endpoint. */
      readonly asked: 'at the endpoint' | 'elsewhere';
    };

/**
 * The settings of the lab that a row can depend on. The other axes are kinds of pods: one or two underlay NICs, default route on eth0 or
 * net1.
 * `natOutgoing`: an overlay address and the underlay meet. The overlay address is the sender, or receives answers that conntrack must tell
 * apart.
 * `encapsulation`: a packet crosses the overlay between nodes, routed or in VXLAN.
 * `rpFilter`: a packet arrives by another device than its answer leaves, or is forwarded between devices. Every second node has rp_filter
 * 1, and its pods inherit it. So these rows are tried from every node.
 */
export type Axis = 'natOutgoing' | 'encapsulation' | 'rpFilter';

export interface Row {
  readonly number: number;
  readonly from: Asker;
  readonly to: Target;
  /** Where the asked place (for a Service, its endpoint) is, relative to the asking one. The default is both. */
  readonly where?: 'same node' | 'other node';
  /** Whether the two places share a LAN. The default is both. */
  readonly subnet?: 'same' | 'other';
  readonly axes: readonly Axis[];
  /** Pods with several NICs ask also from a socket that is bound to each of their addresses. */
  readonly bound?: true;
  /** Why the connection cannot work; such a cell passes if it does not work. */
  readonly impossible?: string;
}

const strict = ['rpFilter'] as const;
const nat = ['natOutgoing', 'rpFilter'] as const;
const crossing = ['encapsulation', 'rpFilter'] as const;
const all = ['natOutgoing', 'encapsulation', 'rpFilter'] as const;

const underlay = (of: Letter) => ({ kind: 'underlay address', of }) as const;
const overlay = (of: Letter) => ({ kind: 'overlay address', of }) as const;
const clusterIp = (of: Letter) => ({ kind: 'ClusterIP', of }) as const;
const nodePort = (of: Letter, policy: TrafficPolicy, asked: 'at the endpoint' | 'elsewhere') =>
  ({ kind: 'NodePort', of, policy, asked }) as const;
const node = { kind: 'node' } as const;
const client = { kind: 'client' } as const;

const LOCAL_ELSEWHERE =
  'externalTrafficPolicy Local: a node without an endpoint drops what comes from outside ' +
  '(kubernetes, Service.spec.externalTrafficPolicy: traffic mistakenly sent to a node with no endpoints will be dropped)';

export const rows: readonly Row[] = [
  { number: 1, from: 'M', to: underlay('M'), where: 'same node', subnet: 'same', axes: [] },
  { number: 2, from: 'M', to: underlay('M'), where: 'other node', subnet: 'same', axes: [] },
  { number: 3, from: 'M', to: underlay('M'), subnet: 'other', axes: strict, bound: true },
  { number: 4, from: 'M', to: node, where: 'same node', axes: strict, bound: true },
  { number: 5, from: 'node', to: underlay('M'), where: 'same node', axes: strict },
  { number: 6, from: 'M', to: node, where: 'other node', axes: strict, bound: true },
  { number: 6, from: 'node', to: underlay('M'), where: 'other node', axes: strict },
  { number: 6, from: 'node', to: underlay('X'), where: 'other node', axes: strict },
  { number: 6, from: 'X', to: node, where: 'other node', axes: nat, bound: true },
  { number: 7, from: 'M', to: overlay('C'), where: 'same node', axes: nat, bound: true },
  { number: 8, from: 'M', to: overlay('C'), where: 'other node', axes: all, bound: true },
  { number: 9, from: 'C', to: underlay('M'), where: 'same node', axes: nat },
  { number: 10, from: 'C', to: underlay('M'), where: 'other node', axes: all },
  { number: 11, from: 'X', to: overlay('C'), axes: all, bound: true },
  { number: 11, from: 'C', to: overlay('X'), axes: all },
  { number: 12, from: 'X', to: underlay('M'), subnet: 'same', axes: nat, bound: true },
  { number: 13, from: 'X', to: underlay('M'), subnet: 'other', axes: all, bound: true },
  { number: 14, from: 'M', to: underlay('X'), axes: strict },
  { number: 15, from: 'M', to: overlay('X'), where: 'same node', axes: nat },
  { number: 16, from: 'M', to: overlay('X'), where: 'other node', axes: all },
  { number: 17, from: 'C', to: underlay('X'), where: 'same node', axes: nat },
  { number: 18, from: 'C', to: underlay('X'), where: 'other node', axes: all },
  { number: 19, from: 'node', to: underlay('X'), where: 'same node', axes: strict },
  { number: 19, from: 'X', to: node, where: 'same node', axes: nat, bound: true },
  { number: 20, from: 'M', to: clusterIp('C'), axes: crossing, bound: true },
  { number: 21, from: 'M', to: clusterIp('M'), where: 'same node', axes: strict },
  { number: 22, from: 'M', to: clusterIp('M'), where: 'other node', axes: strict },
  { number: 23, from: 'C', to: clusterIp('M'), axes: all },
  { number: 23, from: 'X', to: clusterIp('M'), axes: all, bound: true },
  { number: 24, from: 'X', to: clusterIp('C'), axes: all, bound: true },
  { number: 25, from: 'M', to: clusterIp('X'), axes: crossing },
  { number: 26, from: 'client', to: nodePort('M', 'Local', 'at the endpoint'), axes: strict },
  { number: 26, from: 'M', to: nodePort('M', 'Local', 'at the endpoint'), axes: strict },
  { number: 26, from: 'C', to: nodePort('M', 'Local', 'at the endpoint'), axes: nat },
  { number: 26, from: 'X', to: nodePort('M', 'Local', 'at the endpoint'), axes: nat },
  {
    number: 26,
    from: 'client',
    to: nodePort('M', 'Local', 'elsewhere'),
    axes: [],
    impossible: LOCAL_ELSEWHERE,
  },
  { number: 27, from: 'client', to: nodePort('M', 'Cluster', 'at the endpoint'), axes: strict },
  { number: 27, from: 'client', to: nodePort('M', 'Cluster', 'elsewhere'), axes: strict },
  { number: 27, from: 'M', to: nodePort('M', 'Cluster', 'at the endpoint'), axes: strict },
  { number: 27, from: 'C', to: nodePort('M', 'Cluster', 'elsewhere'), axes: nat },
  { number: 27, from: 'X', to: nodePort('M', 'Cluster', 'elsewhere'), axes: nat },
  { number: 28, from: 'client', to: nodePort('X', 'Local', 'at the endpoint'), axes: crossing },
  { number: 28, from: 'client', to: nodePort('X', 'Cluster', 'at the endpoint'), axes: crossing },
  { number: 28, from: 'client', to: nodePort('X', 'Cluster', 'elsewhere'), axes: crossing },
  { number: 28, from: 'M', to: nodePort('X', 'Local', 'at the endpoint'), axes: all },
  { number: 29, from: 'client', to: underlay('M'), axes: strict },
  { number: 29, from: 'client', to: underlay('X'), axes: strict },
  { number: 29, from: 'M', to: client, axes: strict, bound: true },
  { number: 29, from: 'X', to: client, axes: nat, bound: true },
];

/** A path of the rows above belongs to this row too if one of its pods has two underlay NICs. */
export const SEVERAL_NICS_ROW = 30;
