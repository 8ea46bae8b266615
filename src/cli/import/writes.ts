// The writes of an import. Each is refused if its object was changed since it was read; then the command is repeated.

import { foreignResources, type KubeObject, resources, type SpiderIPPool } from '#api';
import { AddressSet } from '#ip';
import { againOnConflict, type KubeClient, refOf } from '#kube';
import {
  BEFORE_ANNOTATION,
  type Holder,
  type ImportedNetwork,
  type ImportedPool,
  type ImportSource,
  type MissingAllocations,
  poolObject,
  SWITCHED_ANNOTATION,
} from '#plan/import';
import { PoolLedger } from '#plan/ipam';

const MOST_CONFLICTS = 10;

export class ImportWrites {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Makes the pool, closed and empty. */
  async makePool(source: ImportSource, pool: ImportedPool): Promise<void> {
    await this.#client.create(resources.spiderIPPools, poolObject(source, pool));
  }

  /** Pods that start from now on get addresses of Orbweaver. The old configuration is kept with the same write. */
  async switchNetwork({ definition, text, after }: ImportedNetwork, nowMs: number): Promise<void> {
    const annotations = {
      [BEFORE_ANNOTATION]: text,
      [SWITCHED_ANNOTATION]: new Date(nowMs).toISOString(),
    };
    const metadata = { ...versionOf(definition), annotations };
    await this.#patchNetwork(definition, { metadata, spec: { config: after } });
  }

  /** The definition has its old configuration again. */
  async giveNetworkBack({ definition, text }: ImportedNetwork): Promise<void> {
    const metadata = {
      ...versionOf(definition),
      annotations: { [BEFORE_ANNOTATION]: null, [SWITCHED_ANNOTATION]: null },
    };
    await this.#patchNetwork(definition, { metadata, spec: { config: text } });
  }

  /** Leaves addresses of unknown holders out, and records the others. Returns how many were recorded. */
  async recordHolders(pool: ImportedPool): Promise<number> {
    // The controller writes the conditions of the pool again and again.
    return await againOnConflict(MOST_CONFLICTS, () => this.#record(pool));
  }

  async #record({ name, missing, unknown }: ImportedPool): Promise<number> {
    const pool = await this.#client.get(resources.spiderIPPools, { name });
    const withHoles = unknown.isEmpty ? pool : await this.#exclude(pool, unknown);
    const ledger = PoolLedger.read(withHoles).copy();
    const added = missing.filter((holder) => take(ledger, holder));
    const status = { ...withHoles.status, ...ledger.status };
    if (added.length > 0) await this.#client.updateStatus(resources.spiderIPPools, { ...withHoles, status });
    return added.length;
  }

  /** A closed pool keeps its records, and gives out no address. */
  async setClosed(name: string, disable: boolean): Promise<void> {
    const body = { spec: { disable } };
    await this.#client.patch(resources.spiderIPPools, { name }, { type: 'merge', body });
  }

  /** Whereabouts gives none of these addresses out while their pods live. */
  async tellWhereabouts({ namespace, name, allocations }: MissingAllocations): Promise<void> {
    const body = { spec: { allocations } };
    const type = foreignResources.whereaboutsPools;
    await this.#client.patch(type, { namespace, name }, { type: 'merge', body });
  }

  async #exclude(pool: SpiderIPPool, unknown: AddressSet): Promise<SpiderIPPool> {
    const now = pool.spec?.excludeIPs ?? [];
    const news = unknown.difference(AddressSet.parse(unknown.family, now));
    if (news.isEmpty) return pool;
    const excludeIPs = [...now, ...news.format()];
    const body = { metadata: versionOf(pool), spec: { excludeIPs } };
    return this.#client.patch(resources.spiderIPPools, refOf(pool), { type: 'merge', body });
  }

  async #patchNetwork(definition: ImportedNetwork['definition'], body: object): Promise<void> {
    const type = resources.networkAttachmentDefinitions;
    await this.#client.patch(type, refOf(definition), { type: 'merge', body });
  }
}

/** Whether it was recorded. Somebody else may have recorded it meanwhile. */
function take(ledger: PoolLedger, { address, pod, podUid, nic }: Holder): boolean {
  if (ledger.holderOf(address) !== undefined) return false;
  ledger.take(address, { pod, podUid, nic });
  return true;
}

function versionOf({ metadata: { resourceVersion } }: KubeObject): object {
  return resourceVersion === undefined ? {} : { resourceVersion };
}
