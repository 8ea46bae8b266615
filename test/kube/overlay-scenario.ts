// The tests on a cluster with a real overlay: pods of three sorts, and every path between them, in each of several circumstances.

import { askByProbe, askInCrowd } from '#lab';
import { type Cast, castOf, sorts } from './actors.ts';
import { type Cluster, nodeNames } from './cluster.ts';
import { until } from './command.ts';
import { untilDefined } from './definitions.ts';
import { Installation } from './installation.ts';
import { untilSynced } from './networks.ts';
import type { Outcomes } from './outcome.ts';
import type { OverlayNetwork } from './overlay-network.ts';
import { ask, type Cell, fault } from './reach.ts';
import { untilNothingLeft } from './traces.ts';
import type { Way } from './ways.ts';

/** The agents tell which overlay it is. */
const automatic = JSON.stringify({ spec: { podCIDRType: 'auto' } });

/** The timeout for Services and routes that have just changed. */
const settleMs = 60_000;

export interface OverlayScenarioParts {
  readonly cluster: Cluster;
  readonly outcomes: Outcomes;
  readonly root: string;
  readonly overlay: OverlayNetwork;
}

/** A rule that a node must have. Without it, the test would prove little. */
export interface ExpectedRule {
  readonly what: string;
  readonly argv: readonly string[];
  readonly patterns: readonly RegExp[];
}

export class OverlayScenario {
  readonly #parts: OverlayScenarioParts;
  readonly #installation: Installation;
  #cast: Cast | undefined;

  constructor(parts: OverlayScenarioParts) {
    this.#parts = parts;
    this.#installation = new Installation(parts.cluster, parts.root);
  }

  /** Sets up everything, including the pods. */
  async begin(): Promise<void> {
    const { cluster, outcomes, overlay } = this.#parts;
    await outcomes.require(`${overlay.name} is the pods' network, and our agents run`, async () => {
      // The controller installs the kinds.
      await this.#installation.controller.start();
      await this.#installation.makeUnderlay();
      await cluster.kubectl(['patch', 'spidercoordinator', 'default', '--type=merge', '-p', automatic]);
      await overlay.install(cluster);
      await this.#installation.startAgents();
      await untilSynced(cluster);
      await untilDefined(cluster);
    });
    await outcomes.require('pods of the overlay, of the underlay and of both become Ready', async () => {
      await this.#installation.apply('test/kube/manifests/three-sorts.yaml');
      for (const sort of sorts) {
        await cluster.kubectl(['rollout', 'status', `deployment/${sort.toLowerCase()}`, '--timeout=180s']);
      }
      this.#cast = await castOf(cluster, this.#installation.probe);
    });
  }

  /** A check for each rule, on both nodes. */
  async expectRules(rules: readonly ExpectedRule[]): Promise<void> {
    const { cluster, outcomes } = this.#parts;
    for (const rule of rules) {
      await outcomes.check(rule.what, () => until(rule.what, 60, () => isThere(cluster, rule)));
    }
  }

  /** Removes a rule and checks that it comes back. */
  async expectRepair(rule: ExpectedRule, damage: readonly string[]): Promise<void> {
    const { cluster, outcomes } = this.#parts;
    await outcomes.check(`${rule.what}: also after ${damage.join(' ')}`, async () => {
      await Promise.all(nodeNames.map((node) => cluster.node(node, damage)));
      await until(rule.what, 30, () => isThere(cluster, rule));
    });
  }

  /** Replaces the pods of both networks, and tests again with the new pods. */
  async annotateBoth(annotations: Readonly<Record<string, string>>): Promise<void> {
    const { cluster, outcomes } = this.#parts;
    const patch = JSON.stringify({ spec: { template: { metadata: { annotations } } } });
    await outcomes.require(`X pods with ${JSON.stringify(annotations)} become Ready`, async () => {
      await cluster.kubectl(['patch', 'deployment', 'x', '-p', patch]);
      await cluster.kubectl(['rollout', 'status', 'deployment/x', '--timeout=180s']);
      await until('their predecessors are gone', 90, async () => {
        const { items } = (await cluster.get('pods', '-l', 'app=x')) as { items: unknown[] };
        return items.length === 4;
      });
    });
  }

  /** A check for each path. It retries, because changes may not have reached the nodes yet. */
  async tryWays(ways: (cast: Cast) => Way[]): Promise<void> {
    const { outcomes, cluster } = this.#parts;
    // A tunnel may have added or removed node addresses.
    this.#cast = await castOf(cluster, this.#installation.probe);
    const rows = ways(this.#cast);
    const found = await faultsOf(rows, atFirst);
    const end = performance.now() + settleMs;
    for (;;) {
      const again = rows.filter((row) => found.get(row)?.length !== 0);
      if (again.length === 0 || performance.now() > end) break;
      for (const [row, faults] of await faultsOf(again, patiently)) found.set(row, faults);
    }
    for (const row of rows) {
      const { title, cells } = row;
      await outcomes.check(title, async () => {
        const faults = found.get(row) ?? [];
        if (cells.length === 0) throw new Error('no way was tried');
        if (faults.length > 0) throw new Error([...new Set(faults)].slice(0, 8).join('\n'));
      });
    }
  }

  async end(): Promise<void> {
    const { cluster, outcomes } = this.#parts;
    await outcomes.check('deleted pods leave no object of ours', async () => {
      const names = sorts.map((sort) => `deployment/${sort.toLowerCase()}`);
      await cluster.kubectl(['delete', ...names, '--cascade=foreground', '--timeout=180s']);
      await untilNothingLeft(cluster);
    });
    await outcomes.check('no request of our programs was refused, and they logged no error', () =>
      this.#installation.expectNoFaults(),
    );
  }
}

/** On every node. */
async function isThere(cluster: Cluster, { argv, patterns }: ExpectedRule): Promise<boolean> {
  const texts = await Promise.all(nodeNames.map((node) => cluster.node(node, argv)));
  return texts.every((text) => patterns.every((pattern) => pattern.test(text)));
}

/** Sends rows in parts. A server's socket holds a limited number of datagrams, and a busy machine reads them slowly. */
const atFirst = { rowsAtOnce: 8, by: askByProbe };
const patiently = { rowsAtOnce: 2, by: askInCrowd };

async function faultsOf(
  rows: readonly Way[],
  { rowsAtOnce, by }: typeof atFirst,
): Promise<Map<Way, string[]>> {
  const found = new Map<Way, string[]>();
  for (let i = 0; i < rows.length; i += rowsAtOnce) {
    const some = rows.slice(i, i + rowsAtOnce);
    const cells = some.flatMap((row) => row.cells);
    const answers = new Map(await ask(cells, by));
    const faultOf = (cell: Cell) =>
      fault([cell, answers.get(cell) ?? { works: false, reason: 'not asked' }]) ?? [];
    for (const row of some) found.set(row, row.cells.flatMap(faultOf));
  }
  return found;
}
