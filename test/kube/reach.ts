// Checks every connection that must work in the cluster, with real packets that carry data both ways.

import { type Ask, askByProbe, askInCrowd, type Question, type Verdict } from '#lab';
import type { Cluster } from './cluster.ts';
import { until } from './command.ts';
import {
  clientPlace,
  nodePlaces,
  nodePortPlaces,
  type Place,
  type PodPlace,
  podPlaces,
  servicePlace,
} from './places.ts';

/** One connection from one client, and its expected result. */
export interface Cell extends Question {
  readonly from: Pick<Place, 'name' | 'probe'>;
  readonly to: Pick<Place, 'name'>;
  /** The server must see one of these source addresses. Undefined allows any. */
  readonly sources?: readonly string[];
  /** The reason why it cannot work. The check fails when it works. */
  readonly impossible?: string;
}

export const familyOf = (address: string) => (address.includes(':') ? 6 : 4);

function cellsTo(from: Place, to: Place): Cell[] {
  const isService = to.kind === 'service' || to.kind === 'local service';
  const protocols = isService ? (['tcp', 'udp'] as const) : (['icmp', 'tcp', 'udp'] as const);
  const isSeen = to.kind === 'local service' || (from.kind === 'underlay pod' && !isService);
  return to.addresses.flatMap((address) =>
    protocols.map((protocol): Cell => {
      const source = from.addresses.find((own) => familyOf(own) === familyOf(address));
      return {
        from,
        to,
        protocol,
        address,
        port: protocol === 'icmp' ? 0 : to.port,
        ...(isSeen && source !== undefined && { sources: [source] }),
      };
    }),
  );
}

/** The first item on the node, and the first one elsewhere. */
function nearAndFar<T extends Place>(places: readonly T[], from: Place): T[] {
  const others = places.filter((place) => place !== from);
  const near = others.find((place) => place.node === from.node);
  const far = others.find((place) => place.node !== from.node);
  return [near, far].filter((place) => place !== undefined);
}

/** All participants, in the current state of the cluster. */
export interface Cast {
  readonly underlay: readonly PodPlace[];
  readonly overlay: readonly PodPlace[];
  readonly nodes: readonly Place[];
  readonly services: readonly Place[];
  readonly client: Place;
}

export async function castOf(cluster: Cluster, probe: string): Promise<Cast> {
  const [underlay, overlay, ...services] = await Promise.all([
    podPlaces(cluster, 'underlay'),
    podPlaces(cluster, 'overlay'),
    servicePlace(cluster, 'underlay'),
    servicePlace(cluster, 'overlay'),
  ]);
  return {
    underlay,
    overlay,
    nodes: nodePlaces(cluster, probe),
    services,
    client: clientPlace(cluster, probe),
  };
}

/** Every path from and to the first underlay pod of each node. */
function plannedCells(cast: Cast): Cell[] {
  const { underlay, overlay, nodes, services, client } = cast;
  const ofPods = nodes.flatMap((node) => {
    const pod = underlay.find((other) => other.node === node.node);
    const neighbour = overlay.find((other) => other.node === node.node);
    if (pod === undefined || neighbour === undefined)
      throw new Error(`${node.name} lacks a pod of each kind`);
    const peers = [
      ...nearAndFar(nodes, pod),
      ...nearAndFar(underlay, pod),
      ...nearAndFar(overlay, pod),
      // kube-proxy picks an endpoint each time, so repeat to reach several.
      ...services.flatMap((service) => [service, service, service]),
    ];
    return [
      ...peers.flatMap((peer) => cellsTo(pod, peer)),
      ...[node, neighbour].flatMap((from) => nearAndFar(underlay, from).flatMap((to) => cellsTo(from, to))),
      ...services.flatMap((service) => cellsTo(neighbour, service)),
    ];
  });
  return [...ofPods, ...nodePortPlaces().flatMap((place) => cellsTo(client, place))];
}

/** Tries all cells. One process tries all cells of one client. */
export async function ask(cells: readonly Cell[], by: Ask = askByProbe): Promise<[Cell, Verdict][]> {
  const sources = Map.groupBy(cells, ({ from }) => from);
  const answers = [...sources].map(async ([from, own]) => {
    const verdicts = await by(from.probe, own);
    return own.map((cell, i): [Cell, Verdict] => [
      cell,
      verdicts[i] ?? { works: false, reason: 'no verdict' },
    ]);
  });
  return (await Promise.all(answers)).flat();
}

/** What is wrong with a cell, in words; undefined when its result is correct. */
export function fault([cell, { works, source, reason }]: [Cell, Verdict]): string | undefined {
  const what = `${cell.from.name} to ${cell.to.name}, ${cell.protocol} ${cell.address}`;
  if (cell.impossible !== undefined) {
    return works ? `${what}: works, although it should not: ${cell.impossible}` : undefined;
  }
  if (!works) return `${what}: ${reason}`;
  const { sources } = cell;
  if (sources === undefined || source === undefined || sources.includes(source)) return undefined;
  return `${what}: the server saw ${source}, not ${sources.join(' or ')}`;
}

/**
 * Tries every path, and throws an error with each wrong one. A busy machine may starve one of so many. So it tries each
 * failed path again, which must then work each time. Returns the number of paths.
 */
export async function tryAll(cast: Cast): Promise<string> {
  const cells = plannedCells(cast);
  const again = (await ask(cells)).filter((answer) => fault(answer) !== undefined).map(([cell]) => cell);
  const faults: string[] = [];
  for (let i = 0; i < 3 && again.length > 0 && faults.length === 0; i++) {
    const answers = await ask(again, askInCrowd);
    faults.push(...answers.map(fault).filter((text) => text !== undefined));
  }
  if (faults.length > 0) {
    throw new Error(
      `${faults.length} of ${cells.length} ways differ from the expected result:\n${faults.slice(0, 12).join('\n')}`,
    );
  }
  return `${cells.length} ways work${again.length === 0 ? '' : `, ${again.length} of them at the second try`}`;
}

/** kube-proxy learns about pods a moment after they are Ready. */
export async function untilServed(cast: Cast): Promise<void> {
  const { nodes, services, client } = cast;
  const cells = [
    ...nodes.flatMap((node) => services.flatMap((service) => cellsTo(node, service))),
    ...nodePortPlaces().flatMap((place) => cellsTo(client, place)),
  ];
  await until('kube-proxy serves the Services', 60, async () => {
    const faults = (await ask(cells)).map(fault).filter((text) => text !== undefined);
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return true;
  });
}
