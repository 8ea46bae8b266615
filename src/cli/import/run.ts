// The work of `orbctl migrate --from whereabouts` and `--from host-local`.

import { type Clock, OrbError } from '#base';
import type { KubeClient } from '#kube';
import {
  BEFORE_ANNOTATION,
  type ImportedNetwork,
  type ImportFacts,
  type ImportPlan,
  type ImportSource,
  planBack,
  planImport,
  settlesInMs,
} from '#plan/import';
import type { Paint } from '#program';
import type { MigrateFlags } from '../migrate.ts';
import { counted } from '../number-text.ts';
import { readFacts } from './facts.ts';
import { readNodeFolders } from './node-folders.ts';
import { nodesText, obstacleText, planJson, planText } from './report.ts';
import { ImportWrites } from './writes.ts';

export interface ImportParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly paint: Paint;
  /** Prints a line, or the whole answer. */
  readonly say: (text: string) => void;
}

type ImportFlags = Pick<MigrateFlags, 'action' | 'output' | 'data' | 'settleSeconds'>;

/**
 * Resolves with the exit code. Throws MIGRATION_SOURCE_MISSING if no network of the cluster uses the program,
 * INPUT_INVALID for flags that it does not have, and what the API server answers.
 */
export async function runImport(
  parts: ImportParts,
  source: ImportSource,
  flags: ImportFlags,
): Promise<number> {
  if (flags.output === 'values') throw refused('--output values is for --from spiderpool');
  if (flags.data.length > 0 && source !== 'host-local') throw refused('--data is for --from host-local');
  // A folder of the node itself may have more files after the wait.
  const work = new Import(parts, source, () => readFacts(parts.client, readNodeFolders(flags.data)));
  switch (flags.action) {
    case 'dry-run':
      return work.tell(flags.output === 'json');
    case 'apply':
      return work.apply(flags.settleSeconds * 1000);
    case 'back':
      return work.back();
  }
}

class Import {
  readonly #parts: ImportParts;
  readonly #source: ImportSource;
  readonly #read: () => Promise<ImportFacts>;
  readonly #writes: ImportWrites;

  constructor(parts: ImportParts, source: ImportSource, read: () => Promise<ImportFacts>) {
    this.#parts = parts;
    this.#source = source;
    this.#read = read;
    this.#writes = new ImportWrites(parts.client);
  }

  async tell(asJson: boolean): Promise<number> {
    const plan = await this.#plan();
    this.#parts.say(asJson ? planJson(plan) : planText(plan, this.#parts.paint));
    return plan.obstacles.length === 0 ? 0 : 1;
  }

  /** Networks are switched while the pools are closed. They open when every address that lives is in them. */
  async apply(settleMs: number): Promise<number> {
    const { say, paint, clock } = this.#parts;
    const plan = await this.#plan();
    if (plan.obstacles.length > 0) return this.#stop(plan.obstacles);
    for (const pool of plan.pools.filter(({ state }) => state === 'wanted')) {
      await this.#writes.makePool(this.#source, pool);
      say(`SpiderIPPool ${pool.name} is made, and gives out no address yet`);
    }
    for (const network of plan.networks.filter(({ isSwitched }) => !isSwitched)) {
      await this.#writes.switchNetwork(network, clock.now());
      say(`NetworkAttachmentDefinition ${network.name} is switched`);
    }
    const waitMs = settlesInMs(await this.#plan(), settleMs, clock.now());
    if (waitMs > 0) {
      say(
        `waiting ${Math.ceil(waitMs / 1000)} s: a pod that was starting may still get an address of ${this.#source}`,
      );
      await clock.sleep(waitMs);
    }
    const settled = await this.#plan();
    if (settled.obstacles.length > 0) return this.#stop(settled.obstacles);
    // The program may still serve such a network.
    const changed = settled.networks.filter(({ isSwitched }) => !isSwitched);
    if (changed.length > 0)
      return this.#stop(changed.map(({ name }) => `${name} was changed meanwhile: repeat the command`));
    if (settled.nodesMissing.length > 0) return this.#stop(nodesText(settled));
    for (const pool of settled.pools) {
      const count = await this.#writes.recordHolders(pool);
      if (pool.state !== 'open') await this.#writes.setClosed(pool.name, false);
      const leftOut = pool.unknown.isEmpty ? '' : `, ${pool.unknown.count} left out`;
      say(`SpiderIPPool ${pool.name} is open: ${counted(count, 'address', 'addresses')} recorded${leftOut}`);
    }
    for (const text of settled.pools.flatMap(({ unknownTexts }) => unknownTexts)) say(`left out: ${text}`);
    say(paint('good', 'new pods get their addresses from Orbweaver'));
    return 0;
  }

  async back(): Promise<number> {
    const { say, paint } = this.#parts;
    const { networks } = await this.#plan();
    const switched = networks.filter(({ isSwitched }) => isSwitched);
    const changed = switched.filter(({ definition, after }) => definition.spec?.config !== after);
    if (changed.length > 0) return this.#stop(changed.map(changedText));
    for (const { metadata, spec } of planBack(this.#source, await this.#read()).pools) {
      if (spec?.disable === true) continue;
      await this.#writes.setClosed(metadata.name ?? '', true);
      say(`SpiderIPPool ${metadata.name ?? ''} is closed: new pods of its networks wait`);
    }
    const { allocations, obstacles } = planBack(this.#source, await this.#read());
    if (obstacles.length > 0) return this.#stop(obstacles);
    for (const one of allocations) {
      await this.#writes.tellWhereabouts(one);
      const count = counted(Object.keys(one.allocations).length, 'address', 'addresses');
      say(`IPPool ${one.namespace}/${one.name} of Whereabouts knows ${count} more`);
    }
    for (const network of switched) {
      await this.#writes.giveNetworkBack(network);
      say(`NetworkAttachmentDefinition ${network.name} has its old configuration`);
    }
    say(paint('good', `new pods get their addresses from ${this.#source}`));
    return 0;
  }

  async #plan(): Promise<ImportPlan> {
    const plan = planImport(this.#source, await this.#read());
    if (plan !== undefined) return plan;
    const message = `no NetworkAttachmentDefinition of the cluster has the IPAM type ${this.#source}`;
    throw new OrbError('MIGRATION_SOURCE_MISSING', { message });
  }

  #stop(obstacles: readonly string[]): number {
    this.#parts.say(obstacleText(obstacles, this.#parts.paint));
    return 1;
  }
}

/** What somebody wrote since then would be lost. */
function changedText({ name }: ImportedNetwork): string {
  return `${name} was changed after the import: give it the IPAM of its annotation ${BEFORE_ANNOTATION} by hand`;
}

function refused(message: string): OrbError {
  return new OrbError('INPUT_INVALID', { message, subject: 'command line' });
}
