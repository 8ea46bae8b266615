// Each NIC of each pod gets a Service for each traffic policy. Their EndpointSlices are made here, because a selector would choose only
// eth0.

import type { EndpointSlice, Service } from '#api';
import { bothFamilies, type DualStack } from '../addressing.ts';
import type { Addresses, RandomCast } from './cast.ts';
import { POD_PORT } from './objects.ts';

export const SERVICE_PORT = 80;

/** A Service in the form that the questions need. */
export interface NicService {
  readonly name: string;
  readonly clusterIp: DualStack;
  readonly nodePort: number;
  /** externalTrafficPolicy Local. */
  readonly local: boolean;
  /** Its only endpoint, and the node of that. */
  readonly pod: string;
  readonly node: string;
  readonly endpoint: Addresses;
}

/** Maps the names of pod and NIC to the two Services of that NIC. */
export type NicServices = ReadonlyMap<string, readonly NicService[]>;

export function serviceKey(pod: string, nic: string): string {
  return `${pod}-${nic}`;
}

/** Cluster addresses and node ports are chosen here, so that they need not be read from the API. */
export function nicServices({ pods, overlayPods }: RandomCast): NicServices {
  const ends = [
    ...pods.flatMap(({ shape: { name, node }, nics }) =>
      nics.map((nic) => ({ key: serviceKey(name, nic.name), pod: name, node, endpoint: nic.addresses })),
    ),
    ...overlayPods.map(({ name, node, addresses }) => ({
      key: serviceKey(name, 'eth0'),
      pod: name,
      node,
      endpoint: addresses,
    })),
  ];
  return new Map(
    ends.map(({ key, pod, node, endpoint }, i) => [
      key,
      [false, true].map((local, j) => {
        const number = 1 + 2 * i + j;
        return {
          name: local ? `${key}-local` : key,
          clusterIp: { 4: `10.96.60.${number}`, 6: `fd00:10:96::${(0x6000 + number).toString(16)}` },
          nodePort: 30_100 + number,
          ...{ local, pod, node, endpoint },
        };
      }),
    ]),
  );
}

const protocols = ['TCP', 'UDP'] as const;

export function serviceOf({ name, clusterIp, nodePort, local, endpoint }: NicService): Service {
  const families = bothFamilies.filter((family) => endpoint[family] !== undefined);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: {
      type: 'NodePort',
      externalTrafficPolicy: local ? 'Local' : 'Cluster',
      ipFamilyPolicy: families.length === 2 ? 'RequireDualStack' : 'SingleStack',
      ipFamilies: families.map((family) => `IPv${family}` as const),
      clusterIPs: families.map((family) => clusterIp[family]),
      ports: protocols.map((protocol) => ({
        ...{ name: protocol.toLowerCase(), protocol, port: SERVICE_PORT, targetPort: POD_PORT, nodePort },
      })),
    },
  };
}

export function slicesOf({ name, pod, node, endpoint }: NicService): EndpointSlice[] {
  return bothFamilies.flatMap((family) => {
    const address = endpoint[family];
    if (address === undefined) return [];
    return [
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          ...{ namespace: 'default', name: `${name}-v${family}` },
          labels: { 'kubernetes.io/service-name': name },
        },
        addressType: `IPv${family}` as const,
        endpoints: [
          {
            ...{ addresses: [address], conditions: { ready: true }, nodeName: node },
            targetRef: { kind: 'Pod', namespace: 'default', name: pod },
          },
        ],
        ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: POD_PORT })),
      },
    ];
  });
}
