// What a lab brings up and tries: the pairs of examples/underlay.yaml, the whole forwarding matrix, or pods of random shape.

import type { EndpointSlice, KubeObject, Service } from '#api';
import type { World } from '#plan/trace';
import type { LabNode } from './addressing.ts';
import { castOf } from './cast.ts';
import { type Place, plannedCells } from './cells.ts';
import type { PodRecord } from './pod-record.ts';
import { askByProbe, askInCrowd } from './prober.ts';
import type { Rollout } from './rollout.ts';
import { type Cell, secondTries, tryTwice } from './table.ts';
import { type TableView, tableText } from './table-text.ts';

/** What a trial has to work with, once its pods run. */
export interface TrialParts extends Rollout {
  readonly nodes: readonly LabNode[];
  readonly records: readonly PodRecord[];
  /** The lab-probe program. */
  readonly probe: string;
  /** Ends the agents; pods stay as they are. */
  readonly stopAgents: () => Promise<void>;
  readonly view: TableView;
  /** Applies them, and resolves when every node's Service proxy has them. */
  readonly serve: (services: readonly Service[], slices: readonly EndpointSlice[]) => Promise<void>;
  /** What decides where packets go now, in every namespace of the lab. */
  readonly see: () => Promise<World>;
  /** Says how far it is. */
  readonly detail: (text: string) => void;
}

/** What came of it. */
export interface Outcome {
  readonly places: readonly Place[];
  readonly cells: readonly Cell[];
  /** The table for people. */
  readonly text: string;
  /** What is wrong besides cells that failed. */
  readonly faults?: readonly string[];
  /** What `--json` writes besides. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface Trial {
  /** Name of a file in examples/. */
  readonly manifest?: string;
  /** What is applied besides. */
  readonly objects: readonly KubeObject[];
  /** The router drops what comes from where it would not send the answer. */
  readonly strictRouter?: boolean;
  run(parts: TrialParts): Promise<Outcome>;
}

/** All ways from and to one underlay pod. */
export const pairsTrial: Trial = {
  manifest: 'underlay.yaml',
  objects: [],
  async run(parts) {
    const cast = castOf(parts);
    const cells = await tryTwice(plannedCells(cast), askByProbe, askInCrowd);
    return { places: cast.places, cells, text: `${tableText(cells, parts.view)}${secondTries(cells)}` };
  },
};
