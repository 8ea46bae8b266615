// Answers `orbctl check --node`: compares every pod of the node, and the node itself, with their plans, and repairs
// them if asked.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type NodeCheck, type NodeReport, nodeCheckSchema, type PodReport } from '#api';
import { type Clock, errorText, OrbError } from '#base';
import type { CniAnswer, CniRequest } from '#cni';
import type { NodeRepair } from './node-repair.ts';
import type { PodRepair } from './pod-repair.ts';
import type { RepairReport } from './report.ts';

export interface NodeCheckParts {
  readonly nodeName: string;
  readonly pods: PodRepair;
  readonly node: NodeRepair;
  readonly isBusy: (containerId: string) => boolean;
  readonly report: RepairReport;
  readonly clock: Clock;
}

/** How long to wait before the next try while a verb of the pod runs. */
const BUSY_MS = 50;
/** How long to wait for such a verb in all. */
const PATIENCE_MS = 10_000;

export class NodeCheckServer {
  readonly #parts: NodeCheckParts;

  constructor(parts: NodeCheckParts) {
    this.#parts = parts;
  }

  async serve({ stdin }: CniRequest): Promise<CniAnswer> {
    const check = readCheck(stdin);
    if (check === undefined) {
      const said = `question '${stdin}' is invalid; allowed: {"repair":false}, {"repair":true}`;
      return { exitCode: 1, stdout: said, log: '' };
    }
    const { repair } = check;
    const pods: PodReport[] = [];
    const node = this.#node(repair);
    for (const containerId of this.#parts.pods.containers()) {
      const report = await this.#pod(containerId, repair);
      if (report !== undefined) pods.push(report);
    }
    const byName = (a: PodReport, b: PodReport) => (nameOf(a) < nameOf(b) ? -1 : 1);
    const report: NodeReport = { node, pods: pods.toSorted(byName) };
    return { exitCode: 0, stdout: JSON.stringify(report), log: '' };
  }

  #node(repair: boolean): NodeReport['node'] {
    const { nodeName: name, node, report } = this.#parts;
    try {
      const drift = repair ? node.repair() : node.look();
      if (repair) report.node(drift, 'event');
      return { name, drift: [...drift], repaired: repair && drift.length > 0 };
    } catch (error) {
      return { name, drift: [], repaired: false, error: errorText(error) };
    }
  }

  /** Undefined if the sandbox is gone: its DEL or GC will follow. */
  async #pod(containerId: string, repair: boolean): Promise<PodReport | undefined> {
    const { pods, report } = this.#parts;
    const pod = pods.podOf(containerId);
    const common = {
      namespace: pod?.namespace ?? '',
      name: pod?.name ?? '',
      containerId,
      interfaces: pods.recordsOf(containerId).map(({ interfaceName }) => interfaceName),
    };
    try {
      const done = await this.#visit(containerId, repair);
      if (done === undefined) return undefined;
      const state = 'state' in done ? done.state : done;
      if ('recorded' in done) {
        report.pod(state, 'event');
        await done.recorded;
      }
      const { differences, lost, repairable } = state;
      const repaired = repair && repairable && differences.length > 0;
      return { ...common, drift: [...differences], lost: [...lost], repaired };
    } catch (error) {
      return { ...common, drift: [], lost: [], repaired: false, error: errorText(error) };
    }
  }

  async #visit(containerId: string, repair: boolean) {
    const { pods } = this.#parts;
    const pod = await pods.enter(containerId);
    try {
      await this.#waitUntilIdle(containerId);
      return pod && (repair ? pods.repair(containerId, pod) : pods.look(containerId, pod));
    } finally {
      pod?.close();
    }
  }

  async #waitUntilIdle(containerId: string): Promise<void> {
    const { clock, isBusy } = this.#parts;
    const end = clock.monotonic() + PATIENCE_MS;
    await nextTurn();
    while (isBusy(containerId)) {
      if (clock.monotonic() > end) {
        throw new OrbError('DEADLINE_PASSED', { message: 'another request for this pod is still running' });
      }
      await clock.sleep(BUSY_MS);
    }
  }
}

/** The question. Undefined if it is none that we know, for example from another version of `orbctl`. */
function readCheck(stdin: string): NodeCheck | undefined {
  try {
    return nodeCheckSchema.parse(JSON.parse(stdin));
  } catch {
    return undefined;
  }
}

function nameOf({ namespace, name, containerId }: PodReport): string {
  return `${namespace}/${name} ${containerId}`;
}
