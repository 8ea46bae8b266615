// What a cluster has in the cloud, in a ConfigMap of the cluster: each thing before it is made. So two clusters with one
// project never take each other's things for their own.

import type { z } from 'zod';
import { type ConfigMap, checkJson, resources } from '#api';
import { ifFound, type KubeClient } from '#kube';

const type = resources.configMaps;

/** Where a ledger is, and what its entries are. */
export interface LedgerPlace<T> {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly schema: z.ZodType<T>;
}

/** The ledger as it was read. It is written once: after that, use what the write returned. */
export class CloudLedger<T> {
  readonly #place: LedgerPlace<T>;
  readonly #stored: ConfigMap | undefined;

  private constructor(place: LedgerPlace<T>, stored: ConfigMap | undefined) {
    this.#place = place;
    this.#stored = stored;
  }

  static async read<T>(place: LedgerPlace<T>, signal: AbortSignal): Promise<CloudLedger<T>> {
    const { client, namespace, name } = place;
    return new CloudLedger(place, await ifFound(client.get(type, { namespace, name }, { signal })));
  }

  get keys(): string[] {
    return Object.keys(this.#stored?.data ?? {});
  }

  /** @throws OrbError INPUT_INVALID if somebody edited the ConfigMap */
  get(key: string): T | undefined {
    const { namespace, name, schema } = this.#place;
    const text = this.#stored?.data?.[key];
    if (text === undefined) return undefined;
    return checkJson(schema, text, { subject: `ConfigMap ${namespace}/${name}, key ${key}` });
  }

  /** The entries that can be read. One that somebody edited stops no other. */
  get readable(): [key: string, entry: T][] {
    return this.keys.flatMap((key) => {
      try {
        const entry = this.get(key);
        return entry === undefined ? [] : [[key, entry] as [string, T]];
      } catch {
        return [];
      }
    });
  }

  /**
   * The ledger with another entry; undefined removes it.
   * @throws OrbError KUBE_CONFLICT if it was written since it was read: another leader works
   */
  async with(key: string, entry: T | undefined, signal: AbortSignal): Promise<CloudLedger<T>> {
    const { client, namespace, name } = this.#place;
    const { [key]: before, ...others } = this.#stored?.data ?? {};
    const text = entry === undefined ? undefined : JSON.stringify(entry);
    if (text === before) return this;
    const data = { ...others, ...(text !== undefined && { [key]: text }) };
    const written =
      this.#stored === undefined
        ? await client.create(type, { metadata: { namespace, name }, data }, { signal })
        : await client.update(type, { ...this.#stored, data }, { signal });
    return new CloudLedger(this.#place, written);
  }
}
