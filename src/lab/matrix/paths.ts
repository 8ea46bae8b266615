// The paths of the matrix: every row with every pair of pods that it describes, as cells that can be tried.

import { bothFamilies, type DualStack, type LabNode } from '../addressing.ts';
import type { Cell, Place, PlannedCell, ProbeProtocol } from '../trial/index.ts';
import type { MatrixCast, MatrixNic, MatrixPod } from './cast.ts';
import { SERVICE_PORT } from './objects.ts';
import { letterOf, underlayNics } from './pod-kinds.ts';
import { type Asker, type PodTarget, type Row, SEVERAL_NICS_ROW } from './rows.ts';
import {
  chosenNic,
  type Destination,
  type Setting,
  type Source,
  seenFrom,
  seenFromMachine,
} from './sources.ts';

/** A cell that knows its rows. */
export interface MatrixCell extends PlannedCell {
  readonly from: Place;
  readonly rows: readonly number[];
  readonly where: 'same node' | 'other node' | 'outside';
  readonly setting: Setting;
  /** Whose address the server must see. */
  readonly seenAs: Source['whose'];
}

/** The result of a cell of the matrix, as `--json` writes it. */
export type MatrixVerdict = Cell & Pick<MatrixCell, 'rows' | 'where' | 'setting' | 'seenAs'>;

/** Who asks, and the NIC to whose address its socket is bound, if it is bound. */
interface Sender {
  readonly place: Place;
  readonly node?: LabNode;
  readonly pod?: MatrixPod;
  readonly boundTo?: MatrixNic;
}

/** Who is asked. */
interface Receiver {
  readonly name: string;
  readonly address: DualStack;
  readonly port: number;
  /** The node where it, or its endpoint, is; the client has none. */
  readonly node?: LabNode;
  /** The pod that is asked, or that serves the Service. */
  readonly pod?: MatrixPod;
  readonly destination: Destination;
}

/** Every cell of a row under a setting. If rp_filter cannot matter to a row, only the first node tries it. */
export function cellsOf(row: Row, cast: MatrixCast, setting: Setting): MatrixCell[] {
  const homes = row.axes.includes('rpFilter') ? cast.nodes : cast.nodes.slice(0, 1);
  return homes.flatMap((home) =>
    senders(row, cast, home).flatMap((sender) =>
      receivers(row, cast, home, sender).flatMap((receiver) => cells(row, sender, receiver, cast, setting)),
    ),
  );
}

/** All senders for the row on a node. The client asks the places on that node. */
function senders({ from, bound }: Row, cast: MatrixCast, home: LabNode): Sender[] {
  if (from === 'client') return [{ place: cast.client }];
  if (from === 'node') return [{ place: cast.machine(home), node: home }];
  return podsAt(cast, from, home).flatMap((pod) => {
    const free = { place: pod.place, node: home, pod };
    const each = bound === true && pod.nics.length > 1 ? pod.nics : [];
    return [free, ...each.map((boundTo) => ({ ...free, boundTo }))];
  });
}

function podsAt(cast: MatrixCast, letter: Asker, node: LabNode): MatrixPod[] {
  return cast.pods.filter((pod) => pod.node === node && letterOf(pod.kind) === letter);
}

/** The next node represents all other nodes. */
function nextNode({ nodes }: MatrixCast, node: LabNode): LabNode | undefined {
  return nodes.length < 2 ? undefined : nodes[(nodes.indexOf(node) + 1) % nodes.length];
}

function receivers(row: Row, cast: MatrixCast, home: LabNode, sender: Sender): Receiver[] {
  const { to, where } = row;
  if (to.kind === 'client') {
    const destination = { kind: 'address', network: 'outside', ownNode: false } as const;
    return [{ name: 'client', address: cast.client.address, port: cast.client.port, destination }];
  }
  const near = where === 'other node' ? [] : [home];
  // For the client, no node is another node.
  const far = where === 'same node' || sender.node === undefined ? [] : [nextNode(cast, home)];
  const places = [...near, ...far].filter((node) => node !== undefined);
  if (to.kind === 'node') return places.map((node) => machine(cast, node, sender));
  return places.flatMap((node) =>
    podsAt(cast, to.of, node)
      .filter((pod) => pod !== sender.pod)
      .flatMap((pod) => atPod(to, cast, pod))
      .filter(
        (receiver) => row.subnet === undefined || shareLan(sender, receiver) === (row.subnet === 'same'),
      ),
  );
}

function machine(cast: MatrixCast, node: LabNode, sender: Sender): Receiver {
  const { address, port } = cast.machine(node);
  const destination = { kind: 'address', network: 'lan', ownNode: sender.node === node } as const;
  return { name: node.name, address, port, node, destination };
}

function atPod(to: PodTarget, cast: MatrixCast, pod: MatrixPod): Receiver[] {
  const { node } = pod;
  const endpoint = { network: pod.kind.nics[0], node };
  switch (to.kind) {
    case 'underlay address':
    case 'overlay address': {
      const isOverlay = to.kind === 'overlay address';
      return pod.nics
        .filter((nic) => (nic.network === 'overlay') === isOverlay)
        .map((nic) => ({
          name: `${pod.place.name} ${nic.name}`,
          address: nic.address,
          port: pod.place.port,
          node,
          pod,
          destination: { kind: 'address', network: nic.network, ownNode: false } as const,
        }));
    }
    case 'ClusterIP': {
      const { name, clusterIp: address } = pod.services.Cluster;
      const destination = { kind: 'ClusterIP', endpoint } as const;
      return [{ name: `ClusterIP ${name}`, address, port: SERVICE_PORT, node, pod, destination }];
    }
    case 'NodePort': {
      const asked = to.asked === 'at the endpoint' ? node : nextNode(cast, node);
      if (asked === undefined) return [];
      const { name, nodePort: port } = pod.services[to.policy];
      const destination = { kind: 'NodePort', asked, local: to.policy === 'Local', endpoint } as const;
      return [
        { name: `NodePort ${name} at ${asked.name}`, address: asked.address, port, node, pod, destination },
      ];
    }
  }
}

/** Whether the sender has a NIC on the receiver's LAN. If it is bound to a NIC, only that NIC counts. */
function shareLan({ pod, boundTo }: Sender, { destination }: Receiver): boolean {
  const nics = boundTo === undefined ? (pod?.nics ?? []) : [boundTo];
  return destination.kind === 'address' && nics.some(({ network }) => network === destination.network);
}

const protocols: readonly ProbeProtocol[] = ['icmp', 'tcp', 'udp'];

function cells(
  row: Row,
  sender: Sender,
  receiver: Receiver,
  cast: MatrixCast,
  setting: Setting,
): MatrixCell[] {
  const to = cast.servesSockets ? afterSocketCall(sender, receiver.destination) : receiver.destination;
  const seen = expectedSource(sender, to, setting);
  const isService = receiver.destination.kind !== 'address';
  const several = [sender.pod, receiver.pod].some(
    (pod) => pod !== undefined && underlayNics(pod.kind).length > 1,
  );
  const where =
    sender.node === undefined || receiver.node === undefined
      ? 'outside'
      : sender.node === receiver.node
        ? 'same node'
        : 'other node';
  const from = sender.boundTo === undefined ? sender.place : boundPlace(sender.place, sender.boundTo);
  return bothFamilies.flatMap((family) =>
    protocols
      // A Service has ports, and ICMP has none.
      .filter((protocol) => !(isService && protocol === 'icmp'))
      .map((protocol) => ({
        rows: several ? [row.number, SEVERAL_NICS_ROW] : [row.number],
        where,
        setting,
        from,
        to: receiver.name,
        family,
        protocol,
        address: receiver.address[family],
        port: protocol === 'icmp' ? 0 : receiver.port,
        source: seen.address[family],
        seenAs: seen.whose,
        ...(sender.boundTo !== undefined && { bind: sender.boundTo.address[family] }),
        ...(row.impossible !== undefined && { impossible: row.impossible }),
      })),
  );
}

/** Where a packet goes if the socket call has chosen the endpoint. Only the own node's addresses are NodePorts to a socket. */
function afterSocketCall({ node }: Sender, to: Destination): Destination {
  if (to.kind === 'address' || node === undefined || (to.kind === 'NodePort' && to.asked !== node)) return to;
  return { kind: 'address', network: to.endpoint.network, ownNode: false };
}

function boundPlace(place: Place, nic: MatrixNic): Place {
  return { ...place, name: `${place.name} from ${nic.name}` };
}

function expectedSource({ place, pod, boundTo }: Sender, to: Destination, setting: Setting): Source {
  const nic = pod === undefined ? undefined : (boundTo ?? chosenNic(pod, to));
  return pod === undefined || nic === undefined
    ? seenFromMachine(place.address, to, setting)
    : seenFrom(pod, nic, to, setting);
}
