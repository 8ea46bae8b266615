// What the node itself needs, independent of its pods. It is planned again and applied by comparison.

import type { SpiderCoordinator } from '#api';
import type { Family } from '#ip';
import type { NetworkNamespace } from '#net';
import { applyNode, driftOfNode, linksThatFilterSources, linksThatHearRouters } from '#node';
import { clusterHostRuleTable, type DesiredNamespace, planNode } from '#plan/network';

export interface NodeRepairParts {
  readonly node: NetworkNamespace;
  readonly families: readonly Family[];
  readonly tuneSysctls: boolean;
  /** Whether the cluster's settings were read. */
  readonly settingsKnown: () => boolean;
  readonly coordinator: () => SpiderCoordinator | undefined;
}

export class NodeRepair {
  readonly #parts: NodeRepairParts;

  constructor(parts: NodeRepairParts) {
    this.#parts = parts;
  }

  /** What differs, one sentence for each object. */
  look(): readonly string[] {
    return driftOfNode(this.#plan(), this.#parts.node);
  }

  /** Repairs what differs, and returns what it was. */
  repair(): readonly string[] {
    return applyNode(this.#plan(), this.#parts.node).repaired;
  }

  #plan(): DesiredNamespace {
    const { node, families, tuneSysctls, settingsKnown, coordinator } = this.#parts;
    const advertisedLinks = linksThatHearRouters(node);
    const hostRuleTable = settingsKnown() ? clusterHostRuleTable(coordinator()) : undefined;
    const filteringLinks = linksThatFilterSources(node);
    return planNode({ advertisedLinks, filteringLinks, families, hostRuleTable, tuneSysctls });
  }
}
