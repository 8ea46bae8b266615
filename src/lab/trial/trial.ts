// What a lab starts and tries: the pairs of examples/underlay.yaml, the whole forwarding matrix, or pods of random shape.

import type { EndpointSlice, KubeObject, Service } from '#api';
import type { World } from '#plan/trace';
import type { LabNode } from '../addressing.ts';
import type { PodRecord } from '../pod-record.ts';
import { type CgroupOf, castOf } from './cast.ts';
import { type Place, plannedCells } from './cells.ts';
import { askByProbe, askInCrowd } from './prober.ts';
import type { Rollout } from './rollout.ts';
import { type Cell, secondTries, tryWithRetries } from './table.ts';
import { type TableView, tableText } from './table-text.ts';

/** What a trial can use when its pods run. */
export interface TrialParts extends Rollout {
  readonly nodes: readonly LabNode[];
  readonly records: readonly PodRecord[];
  /** The lab-probe program. */
  readonly probe: string;
  /** The cgroup of a node whose agent serves sockets. */
  readonly cgroupOf: CgroupOf;
  /** Ends the agents; the pods remain unchanged. */
  readonly stopAgents: () => Promise<void>;
  readonly view: TableView;
  /** Applies the objects. Resolves when the Service proxy of every node has them. */
  readonly serve: (services: readonly Service[], slices: readonly EndpointSlice[]) => Promise<void>;
  /** Reads what decides the path of packets now, in every namespace of the lab. */
  readonly see: () => Promise<World>;
  /** Reports progress. */
  readonly detail: (text: string) => void;
}

/** The result of a trial. */
export interface Outcome {
  readonly places: readonly Place[];
  readonly cells: readonly Cell[];
  /** The table as text. */
  readonly text: string;
  /** Faults other than failed cells. */
  readonly faults?: readonly string[];
  /** More facts for the `--json` file. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface Trial {
  /** Name of a file in examples/. */
  readonly manifest?: string;
  /** The objects to apply besides the manifest. */
  readonly objects: readonly KubeObject[];
  /** Whether the router drops packets that came by a link other than that of the answer. */
  readonly strictRouter?: boolean;
  run(parts: TrialParts): Promise<Outcome>;
}

/** All paths from and to one underlay pod. */
export const pairsTrial: Trial = {
  manifest: 'underlay.yaml',
  objects: [],
  async run(parts) {
    const cast = castOf(parts);
    const cells = await tryWithRetries(plannedCells(cast), askByProbe, askInCrowd);
    return { places: cast.places, cells, text: `${tableText(cells, parts.view)}${secondTries(cells)}` };
  },
};
