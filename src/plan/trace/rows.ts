// The paths of docs/matrix.md: for each row of the forwarding matrix, which pod of the sample cluster sends which
// request.

import type { Address, Family } from '#ip';
import { sampleCluster } from './sample-cluster.ts';
import { podAddress, type SamplePodKind, type SampleSettings } from './sample-pods.ts';
import { clusterIp, nodeAddress, nodePortOf } from './sample-services.ts';
import { walkLine } from './text.ts';
import { type Trace, trace } from './walk.ts';
import type { Protocol } from './world.ts';

/** The target of a row's request, by its name in the sample cluster. */
type Target =
  | { readonly pod: string; readonly nic?: string }
  | { readonly node: string }
  | { readonly service: SamplePodKind; readonly endpoint: string }
  | {
      readonly nodePort: SamplePodKind;
      readonly at: string;
      readonly endpoint: string;
      readonly local?: boolean;
    };

interface Case {
  readonly row: number;
  /** Which case of the row it shows. */
  readonly title: string;
  readonly from: string;
  readonly to: Target;
}

const one = (row: number, title: string, from: string, to: Target): Case => ({ row, title, from, to });

/**
 * Numbers are those of the matrix. M is underlay, D underlay of another subnet, C overlay, X both, T two underlay NICs.
 */
const cases: readonly Case[] = [
  one(1, 'underlay to underlay, same node', 'M1', { pod: 'M3' }),
  one(2, 'underlay to underlay, other node', 'M1', { pod: 'M2' }),
  one(3, 'underlay to another subnet, other node', 'M1', { pod: 'D2' }),
  one(3, 'underlay to another subnet, same node', 'M1', { pod: 'D1' }),
  one(4, 'underlay to its own node', 'M1', { node: 'node1' }),
  one(5, 'node to its own underlay pod', 'node1', { pod: 'M1' }),
  one(6, 'underlay to another node', 'M1', { node: 'node2' }),
  one(6, 'another node to underlay', 'node2', { pod: 'M1' }),
  one(7, 'underlay to overlay, same node', 'M1', { pod: 'C1' }),
  one(8, 'underlay to overlay, other node', 'M1', { pod: 'C2' }),
  one(9, 'overlay to underlay, same node', 'C1', { pod: 'M1' }),
  one(10, 'overlay to underlay, other node', 'C1', { pod: 'M2' }),
  one(11, 'overlay+underlay to overlay', 'X1', { pod: 'C2' }),
  one(11, 'overlay to the overlay address of overlay+underlay', 'C2', { pod: 'X1' }),
  one(12, 'overlay+underlay to underlay, same subnet', 'X1', { pod: 'M2' }),
  one(13, 'overlay+underlay to underlay, other subnet', 'X1', { pod: 'D2' }),
  one(14, 'underlay to net1, same subnet', 'M1', { pod: 'X2', nic: 'net1' }),
  one(14, 'underlay to net1, other subnet', 'D1', { pod: 'X2', nic: 'net1' }),
  one(15, 'underlay to the overlay address of overlay+underlay, same node', 'M1', { pod: 'X1' }),
  one(16, 'underlay to the overlay address of overlay+underlay, other node', 'M1', { pod: 'X2' }),
  one(17, 'overlay to net1, same node', 'C1', { pod: 'X1', nic: 'net1' }),
  one(18, 'overlay to net1, other node', 'C1', { pod: 'X2', nic: 'net1' }),
  one(19, 'node to net1 of its own pod', 'node1', { pod: 'X1', nic: 'net1' }),
  one(20, 'underlay to ClusterIP, overlay endpoint', 'M1', { service: 'C', endpoint: 'C2' }),
  one(21, 'underlay to ClusterIP, underlay endpoint on its node', 'M1', { service: 'M', endpoint: 'M3' }),
  one(22, 'underlay to ClusterIP, underlay endpoint elsewhere', 'M1', { service: 'M', endpoint: 'M2' }),
  one(23, 'overlay to ClusterIP, underlay endpoint', 'C1', { service: 'M', endpoint: 'M2' }),
  one(23, 'overlay+underlay to ClusterIP, underlay endpoint', 'X1', { service: 'M', endpoint: 'M2' }),
  one(24, 'overlay+underlay to ClusterIP, overlay endpoint', 'X1', { service: 'C', endpoint: 'C2' }),
  one(25, 'underlay to ClusterIP, overlay+underlay endpoint', 'M1', { service: 'X', endpoint: 'X2' }),
  one(26, 'outside to NodePort, policy Local', 'client', {
    nodePort: 'M',
    at: 'node1',
    endpoint: 'M1',
    local: true,
  }),
  one(27, 'outside to NodePort, endpoint on the node', 'client', {
    nodePort: 'M',
    at: 'node1',
    endpoint: 'M1',
  }),
  one(27, 'outside to NodePort, endpoint elsewhere', 'client', {
    nodePort: 'M',
    at: 'node1',
    endpoint: 'M2',
  }),
  one(28, 'outside to NodePort, overlay+underlay endpoint', 'client', {
    nodePort: 'X',
    at: 'node1',
    endpoint: 'X1',
    local: true,
  }),
  one(29, 'outside to underlay', 'client', { pod: 'M1' }),
  one(29, 'outside to net1', 'client', { pod: 'X1', nic: 'net1' }),
  one(30, 'two underlay NICs: outside to eth0', 'client', { pod: 'T1' }),
  one(30, 'two underlay NICs: outside to net1', 'client', { pod: 'T1', nic: 'net1' }),
  one(30, 'two underlay NICs to another pod’s net1', 'T1', { pod: 'T2', nic: 'net1' }),
];

/** One path of a row, as the plan makes it. */
export interface RowPath {
  readonly row: number;
  readonly title: string;
  readonly family: Family;
  readonly protocol: Protocol;
  /** Each in one line: `M1 veth0 → node1 → node2 → C2 eth0`. */
  readonly request: string;
  readonly reply: string;
  readonly trace: Trace;
}

const POD_PORT = 8080;
const SERVICE_PORT = 80;

/** The paths of one row with these settings. Empty if no row has the number. */
export function describeRow(
  row: number,
  settings: SampleSettings,
  { family = 4, protocol = 'tcp' }: { readonly family?: Family; readonly protocol?: Protocol } = {},
): RowPath[] {
  const world = sampleCluster(settings);
  return cases
    .filter((each) => each.row === row)
    .map(({ title, from, to }) => {
      const found = trace(world, { from, protocol, ...destinationOf(to, family) });
      const { request, reply } = found;
      return {
        ...{ row, title, family, protocol, trace: found },
        request: walkLine(request),
        reply: reply === undefined ? '' : walkLine(reply),
      };
    });
}

function destinationOf(
  to: Target,
  family: Family,
): { destination: Address; port: number; endpoints?: Address[] } {
  if ('pod' in to) return { destination: podAddress(to.pod, family, to.nic), port: POD_PORT };
  if ('node' in to) return { destination: nodeAddress(to.node, family), port: POD_PORT };
  const endpoints = [podAddress(to.endpoint, family)];
  if ('service' in to) return { destination: clusterIp(to.service, family), port: SERVICE_PORT, endpoints };
  return {
    destination: nodeAddress(to.at, family),
    port: nodePortOf(to.nodePort, to.local === true),
    endpoints,
  };
}
