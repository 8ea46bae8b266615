// The participants of the random matrix: random pods with the addresses of their NICs, overlay pods, nodes, the router, both clients.

import { NETWORK_STATUS_ANNOTATION, type Pod, parseNetworkStatus } from '#api';
import { OrbError } from '#base';
import type { Family } from '#ip';
import { bothFamilies, type LabNode } from '../addressing.ts';
import type { PodRecord } from '../pod-record.ts';
import { type Asker, branchPlace, machinePlaces } from '../trial/index.ts';
import { overlayPodName } from './objects.ts';
import { type NamedNic, nicsOf, type PodShape } from './shape.ts';

/** Addresses by family; a family without address is absent. */
export type Addresses = Readonly<Partial<Record<Family, string>>>;

export interface RandomNic extends NamedNic {
  readonly addresses: Addresses;
}

export interface RandomPod {
  readonly shape: PodShape;
  readonly asker: Asker;
  readonly nics: readonly RandomNic[];
}

export interface OverlayPod {
  readonly name: string;
  readonly node: string;
  readonly asker: Asker;
  readonly addresses: Addresses;
}

export interface Machine {
  readonly asker: Asker;
  readonly addresses: Addresses;
}

export interface RandomCast {
  readonly pods: readonly RandomPod[];
  readonly overlayPods: readonly OverlayPod[];
  readonly nodes: readonly LabNode[];
  /** A node, `router`, `client` or `branch`. */
  readonly machine: (name: string) => Machine;
}

export interface RandomCastParts {
  readonly shapes: readonly PodShape[];
  readonly nodes: readonly LabNode[];
  readonly pods: readonly Pod[];
  readonly records: readonly PodRecord[];
  readonly probe: string;
}

function missing(what: string): OrbError {
  return new OrbError('LAB_STEP_FAILED', { message: `the random matrix lacks ${what}` });
}

function byFamily(addresses: readonly string[]): Addresses {
  const of = (family: Family) => addresses.find((address) => address.includes(':') === (family === 6));
  return Object.fromEntries(bothFamilies.flatMap((f) => (of(f) === undefined ? [] : [[f, of(f)]])));
}

/** All participants; throws LAB_STEP_FAILED if a pod, a NIC or one of its addresses is missing. */
export function randomCast({ shapes, nodes, pods, records, probe }: RandomCastParts): RandomCast {
  const machines = [...machinePlaces(nodes, probe), branchPlace(probe)];
  const podNamed = (name: string) => {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const record = records.find((each) => each.name === name && each.namespace === 'default');
    if (pod === undefined || record === undefined) throw missing(`pod ${name}`);
    const asker: Asker = { name, probe: ['nsenter', `--net=${record.netns}`, '--', probe] };
    return { pod, asker };
  };
  return {
    nodes,
    pods: shapes.map((shape) => {
      const { pod, asker } = podNamed(shape.name);
      return { shape, asker, nics: nicsOf(shape).map((nic) => ({ ...nic, addresses: gotBy(nic, pod) })) };
    }),
    overlayPods: nodes.map(({ name: node }) => {
      const name = overlayPodName(node);
      const { pod, asker } = podNamed(name);
      return { name, node, asker, addresses: byFamily(pod.status?.podIPs?.map(({ ip }) => ip) ?? []) };
    }),
    machine: (name) => {
      const place = machines.find((each) => each.name === name);
      if (place === undefined) throw missing(name);
      return { asker: place, addresses: place.address };
    },
  };
}

function gotBy({ name, families }: NamedNic, { metadata }: Pod): Addresses {
  const status = parseNetworkStatus(metadata.annotations?.[NETWORK_STATUS_ANNOTATION] ?? '[]');
  const got = byFamily(status.find((one) => one.interface === name)?.ips ?? []);
  for (const family of bothFamilies) {
    if (families.includes(family) === (got[family] !== undefined)) continue;
    const what = got[family] ?? 'none';
    throw missing(
      `${metadata.name} ${name} was meant to get an IPv${family} address: its address is ${what}`,
    );
  }
  return got;
}
