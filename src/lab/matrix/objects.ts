// The pods and Services of the matrix. Each kind has one pod on each node, so that a row can choose the node of its endpoint.

import {
  DEFAULT_NETWORK_ANNOTATION,
  type KubeObject,
  NETWORKS_ANNOTATION,
  type Pod,
  type Service,
} from '#api';
import { nicsOf, type PodKind, type PodNetwork, podKinds } from './pod-kinds.ts';

/** The port of the pods' servers and of their Services. */
export const POD_PORT = 8080;
export const SERVICE_PORT = 80;

export type TrafficPolicy = 'Cluster' | 'Local';

/** The networks with these names are defined in examples/matrix.yaml. */
function definitionOf(network: PodNetwork): string {
  return `kube-system/macvlan-${network}`;
}

export function podName(kind: PodKind, node: string): string {
  return `${kind.name}-${node}`;
}

export function serviceName(kind: PodKind, node: string, policy: TrafficPolicy): string {
  return `${kind.name}-${node}${policy === 'Local' ? '-local' : ''}`;
}

/** The annotations that a user would write. */
function annotationsOf(kind: PodKind): Record<string, string> {
  const [first, ...others] = nicsOf(kind);
  const asksForNic = kind.defaultNic !== 'eth0';
  return {
    ...(first !== undefined &&
      first.network !== 'overlay' && { [DEFAULT_NETWORK_ANNOTATION]: definitionOf(first.network) }),
    ...(others.length > 0 && {
      [NETWORKS_ANNOTATION]: others.map(({ network }) => definitionOf(network)).join(','),
    }),
    ...(asksForNic && { 'ipam.spidernet.io/default-route-nic': kind.defaultNic }),
  };
}

function pod(kind: PodKind, node: string): Pod {
  const name = podName(kind, node);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels: { app: name }, annotations: annotationsOf(kind) },
    spec: {
      nodeName: node,
      containers: [
        { name: 'test', image: 'test', ports: [{ name: 'tcp', containerPort: POD_PORT, protocol: 'TCP' }] },
      ],
    },
  };
}

function service(kind: PodKind, node: string, policy: TrafficPolicy, nodePort: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: serviceName(kind, node, policy) },
    spec: {
      type: 'NodePort',
      externalTrafficPolicy: policy,
      ipFamilyPolicy: 'RequireDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
      selector: { app: podName(kind, node) },
      ports: (['TCP', 'UDP'] as const).map((protocol) => ({
        name: protocol.toLowerCase(),
        protocol,
        port: SERVICE_PORT,
        targetPort: POD_PORT,
        nodePort,
      })),
    },
  };
}

/** All objects to apply, besides the networks of examples/matrix.yaml. */
export function matrixObjects(nodes: readonly string[]): KubeObject[] {
  const places = podKinds.flatMap((kind) => nodes.map((node) => ({ kind, node })));
  const policies = ['Cluster', 'Local'] as const;
  return [
    ...places.map(({ kind, node }) => pod(kind, node)),
    ...places.flatMap(({ kind, node }, i) =>
      // Node ports are set here, because TCP and UDP of a Service must have the same one.
      policies.map((policy, j) => service(kind, node, policy, 30_100 + 2 * i + j)),
    ),
  ];
}
