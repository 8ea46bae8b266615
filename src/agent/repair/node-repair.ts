// What the node itself needs, independent of its pods. It is planned again and applied by comparison.

import type { SpiderCoordinator } from '#api';
import { type Family, formatAddress } from '#ip';
import type { NetworkNamespace, ProxyNeighbour } from '#net';
import {
  type Attachments,
  applyNode,
  driftOfNode,
  heldProxies,
  linksThatFilterSources,
  linksThatHearRouters,
  ownProxies,
  removeProxies,
} from '#node';
import { clusterHostRuleTable, type DesiredNamespace, planNode, sameProxy } from '#plan/network';

export interface NodeRepairParts {
  readonly node: NetworkNamespace;
  readonly families: readonly Family[];
  readonly tuneSysctls: boolean;
  /** Whether the cluster's settings were read. */
  readonly settingsKnown: () => boolean;
  readonly coordinator: () => SpiderCoordinator | undefined;
  readonly attachments: Pick<Attachments, 'all'>;
}

export class NodeRepair {
  readonly #parts: NodeRepairParts;

  constructor(parts: NodeRepairParts) {
    this.#parts = parts;
  }

  /** What differs, one sentence for each object. */
  look(): readonly string[] {
    const { node } = this.#parts;
    const strays = ownProxies(node).filter((proxy) => this.#isStray(proxy));
    return [...driftOfNode(this.#plan(), node), ...strays.map(strayText)];
  }

  /** Repairs what differs, and returns what it was. */
  repair(): readonly string[] {
    const { node } = this.#parts;
    const { repaired } = applyNode(this.#plan(), node);
    return [...repaired, ...removeProxies(node, (proxy) => this.#isStray(proxy)).map(strayText)];
  }

  /** An agent that lost a record has left it. The node would answer for an address that others have by now. */
  #isStray(proxy: ProxyNeighbour): boolean {
    return !heldProxies(this.#parts.attachments.all()).some((held) => sameProxy(held, proxy));
  }

  #plan(): DesiredNamespace {
    const { node, families, tuneSysctls, settingsKnown, coordinator } = this.#parts;
    const advertisedLinks = linksThatHearRouters(node);
    const hostRuleTable = settingsKnown() ? clusterHostRuleTable(coordinator()) : undefined;
    const filteringLinks = linksThatFilterSources(node);
    return planNode({ advertisedLinks, filteringLinks, families, hostRuleTable, tuneSysctls });
  }
}

function strayText({ dev, address }: ProxyNeighbour): string {
  return `neighbour proxy ${formatAddress(address)} dev ${dev} belongs to no pod`;
}
