// The participants of the table: the machines of the topology, and the pods and Services from the API.

import { type Pod, type Service, serviceSelects } from '#api';
import { cidrContains, parseAddress, parseNetwork } from '#ip';
import { branch, dualStack, type LabNode, outside, overlayCidr, underlay } from '../addressing.ts';
import { inCgroup } from '../node-cgroups.ts';
import type { PodRecord } from '../pod-record.ts';
import { BRANCH_NETNS, CLIENT_NETNS, inNetnsOf, ROUTER_NETNS } from '../topology.ts';
import type { Cast, Place, ServicePlace } from './cells.ts';

/** The port of lab-probe on machines that are not pods. */
export const MACHINE_PORT = 8080;

/** The ports of a pod's server: those that its containers name, else 80. */
export function podPorts(pod: Pod): number[] {
  const ports = pod.spec?.containers?.flatMap((container) => container.ports ?? []) ?? [];
  const named = ports.flatMap(({ containerPort }) => containerPort ?? []);
  return named.length === 0 ? [80] : [...new Set(named)];
}

function isOverlay(address: string): boolean {
  return cidrContains(parseNetwork(overlayCidr[4]), parseAddress(address));
}

/** The cgroup of a node, by its name, if an agent serves the sockets there. */
export type CgroupOf = (node: string) => string | undefined;

const noCgroup: CgroupOf = () => undefined;

function machine(name: string, kind: Place['kind'], address: Place['address'], probe: string): Place {
  return { name, kind, address, port: MACHINE_PORT, probe: inNetnsOf(name, probe) };
}

function entering(cgroup: string | undefined, argv: Place['probe']): Place['probe'] {
  return cgroup === undefined ? argv : inCgroup(cgroup, argv);
}

/** The machines: nodes, router and client. */
export function machinePlaces(nodes: readonly LabNode[], probe: string, cgroupOf = noCgroup): Place[] {
  return [
    ...nodes.map(({ name, address }) => {
      const place = machine(name, 'node', address, probe);
      return { ...place, node: name, probe: entering(cgroupOf(name), place.probe) };
    }),
    machine(ROUTER_NETNS, 'router', underlay.gateway, probe),
    machine(CLIENT_NETNS, 'client', outside.client, probe),
  ];
}

/** The client in the branch office. Only random pods are tried from it. */
export function branchPlace(probe: string): Place {
  return machine(BRANCH_NETNS, 'client', branch.client, probe);
}

/** A pod as a place; undefined while it has no sandbox or lacks an address. */
export function podPlace(
  pod: Pod,
  records: readonly PodRecord[],
  probe: string,
  cgroupOf = noCgroup,
): Place | undefined {
  const { name = '', namespace } = pod.metadata;
  const record = records.find((candidate) => candidate.name === name && candidate.namespace === namespace);
  const address = dualStack(pod.status?.podIPs?.map(({ ip }) => ip) ?? []);
  if (record === undefined || address === undefined) return undefined;
  return {
    name: `${name} (${record.node})`,
    kind: isOverlay(address[4]) ? 'overlay pod' : 'underlay pod',
    node: record.node,
    address,
    port: podPorts(pod)[0] ?? 80,
    probe: entering(cgroupOf(record.node), ['nsenter', `--net=${record.netns}`, '--', probe]),
  };
}

/** A Service in the form that the table needs; undefined if it has no pods or lacks an address of a family. */
export function servicePlace(service: Service, pods: ReadonlyMap<Pod, Place>): ServicePlace | undefined {
  const clusterIp = dualStack(service.spec?.clusterIPs ?? []);
  const [port] = service.spec?.ports ?? [];
  const backend = [...pods].find(([pod]) => serviceSelects(service, pod))?.[1].kind;
  if (clusterIp === undefined || port === undefined || backend === undefined) return undefined;
  return {
    name: service.metadata.name ?? '',
    clusterIp,
    port: port.port,
    ...(port.nodePort !== undefined && { nodePort: port.nodePort }),
    externalLocal: service.spec?.externalTrafficPolicy === 'Local',
    backends: backend === 'overlay pod' ? 'overlay pod' : 'underlay pod',
  };
}

export interface CastParts {
  readonly nodes: readonly LabNode[];
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly records: readonly PodRecord[];
  readonly probe: string;
  readonly cgroupOf?: CgroupOf;
}

/** All participants, with the pods sorted by name. */
export function castOf({ nodes, pods, services, records, probe, cgroupOf = noCgroup }: CastParts): Cast {
  const places = new Map<Pod, Place>();
  for (const pod of pods.toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))) {
    const place = podPlace(pod, records, probe, cgroupOf);
    if (place !== undefined) places.set(pod, place);
  }
  return {
    places: [...places.values(), ...machinePlaces(nodes, probe, cgroupOf)],
    services: services.flatMap((service) => servicePlace(service, places) ?? []),
    invalidLost: false,
    servesSockets: nodes.some(({ name }) => cgroupOf(name) !== undefined),
  };
}
