// The participants of the matrix: its pods with the addresses of every NIC, the Services of each, nodes and client.

import { NETWORK_STATUS_ANNOTATION, type Pod, parseNetworkStatus, type Service } from '#api';
import { OrbError } from '#base';
import { type DualStack, dualStack, type LabNode } from '../addressing.ts';
import type { PodRecord } from '../pod-record.ts';
import { type CgroupOf, machinePlaces, type Place, podPlace } from '../trial/index.ts';
import { podName, serviceName, type TrafficPolicy } from './objects.ts';
import { nicsOf, type PodKind, type PodNetwork, podKinds } from './pod-kinds.ts';

/** A NIC with its addresses. */
export interface MatrixNic {
  readonly name: string;
  readonly network: PodNetwork;
  readonly address: DualStack;
}

export interface MatrixPod {
  readonly kind: PodKind;
  readonly node: LabNode;
  readonly place: Place;
  readonly nics: readonly MatrixNic[];
  /** For each policy, the Service whose only endpoint is this pod. */
  readonly services: Readonly<Record<TrafficPolicy, MatrixService>>;
}

export interface MatrixService {
  readonly name: string;
  readonly clusterIp: DualStack;
  readonly nodePort: number;
}

export interface MatrixCast {
  readonly nodes: readonly LabNode[];
  readonly pods: readonly MatrixPod[];
  readonly machine: (node: LabNode) => Place;
  readonly client: Place;
  /** Whether sockets of pods and nodes get an endpoint at once. */
  readonly servesSockets: boolean;
}

export interface MatrixCastParts {
  readonly nodes: readonly LabNode[];
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly records: readonly PodRecord[];
  readonly probe: string;
  readonly cgroupOf?: CgroupOf;
}

function missing(what: string): OrbError {
  return new OrbError('LAB_STEP_FAILED', { message: `the matrix lacks ${what}` });
}

function nicsOfPod(kind: PodKind, pod: Pod): MatrixNic[] {
  const status = parseNetworkStatus(pod.metadata.annotations?.[NETWORK_STATUS_ANNOTATION] ?? '[]');
  return nicsOf(kind).map(({ name, network }) => {
    const address = dualStack(status.find((one) => one.interface === name)?.ips ?? []);
    if (address === undefined) throw missing(`an address of each family at ${pod.metadata.name} ${name}`);
    return { name, network, address };
  });
}

function serviceOf(name: string, services: readonly Service[]): MatrixService {
  const service = services.find(({ metadata }) => metadata.name === name);
  const clusterIp = dualStack(service?.spec?.clusterIPs ?? []);
  const nodePort = service?.spec?.ports?.[0]?.nodePort;
  if (clusterIp === undefined || nodePort === undefined) throw missing(`Service ${name}`);
  return { name, clusterIp, nodePort };
}

/** All participants; throws LAB_STEP_FAILED if one is missing. */
export function matrixCast({ nodes, pods, services, records, probe, cgroupOf }: MatrixCastParts): MatrixCast {
  const machines = machinePlaces(nodes, probe, cgroupOf);
  const placeOf = (name: string): Place => {
    const place = machines.find((machine) => machine.name === name);
    if (place === undefined) throw missing(name);
    return place;
  };
  return {
    nodes,
    machine: ({ name }) => placeOf(name),
    client: placeOf('client'),
    servesSockets: nodes.some(({ name }) => cgroupOf?.(name) !== undefined),
    pods: podKinds.flatMap((kind) =>
      nodes.map((node) => {
        const name = podName(kind, node.name);
        const pod = pods.find(({ metadata }) => metadata.name === name);
        const place = pod === undefined ? undefined : podPlace(pod, records, probe, cgroupOf);
        if (pod === undefined || place === undefined) throw missing(`pod ${name}`);
        return {
          kind,
          node,
          place: { ...place, name },
          nics: nicsOfPod(kind, pod),
          services: {
            Cluster: serviceOf(serviceName(kind, node.name, 'Cluster'), services),
            Local: serviceOf(serviceName(kind, node.name, 'Local'), services),
          },
        };
      }),
    ),
  };
}
