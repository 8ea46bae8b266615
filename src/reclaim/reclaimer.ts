// Judges recorded addresses, and frees those that nobody holds. What frees is always read from the server just before.

import type { SpiderEndpoint } from '#api';
import type { Logger } from '#base';
import type { KubeClient } from '#kube';
import {
  type ReclaimFacts,
  type ReclaimSettings,
  type ReclaimVerdict,
  type RecordedAddress,
  reclaimVerdict,
} from '#plan/reclaim';
import { type FactSources, reclaimFacts } from './facts.ts';
import { inParallel } from './in-parallel.ts';
import { freeRecords, type RemovalOptions, removeEndpoint } from './removal.ts';
import { type ClusterSight, LiveSight } from './sight.ts';
import { type Provider, unbound } from './unbinding.ts';

export interface ReclaimerOptions extends RemovalOptions {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'patch' | 'delete'>;
  readonly log: Logger;
  readonly settings: ReclaimSettings;
  readonly askNode: FactSources['askNode'];
  /** Undefined: this program cannot ask the provider, and frees nothing that it may have bound. */
  readonly iaas: Provider | undefined;
}

export interface Judged {
  readonly record: RecordedAddress;
  readonly facts: ReclaimFacts;
  readonly verdict: ReclaimVerdict;
  /** Whether the address was freed now. */
  readonly freed: boolean;
}

/** What the caller knows besides what the server says. */
export interface Knowledge {
  readonly podWithUid: ClusterSight['podWithUid'];
  readonly absence: FactSources['absence'];
}

const ONLY_CONTROLLER = 'the controller frees it, after the provider of the IaaS has let it go';
const NO_PROVIDER = 'a provider of an IaaS may have bound it, and iaasNetworkProvider.serverUrl is empty';

/** How many records are judged and freed together. Their facts are then less than a second old. */
const BATCH = 200;

export class Reclaimer {
  readonly #options: ReclaimerOptions;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  get settings(): ReclaimSettings {
    return this.#options.settings;
  }

  /** The verdict on what `sight` shows. Nothing is freed by it. */
  async judge(
    record: RecordedAddress,
    sources: Pick<FactSources, 'sight' | 'absence'> & Partial<Pick<FactSources, 'askNode'>>,
  ): Promise<Judged> {
    const { settings, askNode, clock } = this.#options;
    const facts = await reclaimFacts(record, { askNode, nowMs: clock.now(), ...sources });
    const verdict = reclaimVerdict(facts, settings);
    const { iaas } = this.#options;
    if (record.iaas === undefined || iaas?.isThere === true || verdict.action !== 'free')
      return { record, facts, verdict, freed: false };
    const why = `${verdict.why}, but ${iaas === undefined ? ONLY_CONTROLLER : NO_PROVIDER}`;
    return { record, facts, verdict: { action: 'keep', why }, freed: false };
  }

  /** Judges records of one pool by the server, and frees them where the verdict says so. */
  async reclaim(
    pool: string,
    candidates: readonly RecordedAddress[],
    knowledge: Knowledge,
    signal: AbortSignal,
  ): Promise<Judged[]> {
    const all: Judged[] = [];
    for (let at = 0; at < candidates.length; at += BATCH) {
      signal.throwIfAborted();
      all.push(...(await this.#reclaimBatch(pool, candidates.slice(at, at + BATCH), knowledge, signal)));
    }
    return all;
  }

  /** An endpoint of which no pool has a record is judged like a record. Resolves to the verdict. */
  async reclaimEndpoint(
    { metadata: { namespace = '', name = '' }, status }: SpiderEndpoint,
    knowledge: Knowledge,
    signal: AbortSignal,
  ): Promise<ReclaimVerdict> {
    const record = {
      ...{ pool: '', address: '', pod: `${namespace}/${name}` },
      podUid: status?.current.uid ?? '',
    };
    const judged = await this.judge(record, this.#live(knowledge, signal));
    await this.#removeEndpoints([judged], signal);
    return judged.verdict;
  }

  async #reclaimBatch(
    pool: string,
    candidates: readonly RecordedAddress[],
    knowledge: Knowledge,
    signal: AbortSignal,
  ): Promise<Judged[]> {
    const { log } = this.#options;
    const live = this.#live(knowledge, signal);
    const judged = await inParallel(candidates, (record) => this.judge(record, live));
    const doomed = judged.flatMap(({ record, verdict }) => (verdict.action === 'free' ? [record] : []));
    if (doomed.length === 0) return judged;
    const freed = new Set(await this.#counted(() => this.#free(pool, doomed, signal)));
    const results = judged.map((one) => ({ ...one, freed: freed.has(one.record) }));
    const gone = results.filter((one) => one.freed);
    for (const { record, verdict } of gone) log.info({ ...record, why: verdict.why }, 'freed an address');
    // A record that another program has changed is left alone, and its endpoint too.
    await this.#removeEndpoints(gone, signal);
    return results;
  }

  /** Resolves to the records that are gone. */
  async #free(
    pool: string,
    doomed: readonly RecordedAddress[],
    signal: AbortSignal,
  ): Promise<readonly RecordedAddress[]> {
    const { iaas, metrics } = this.#options;
    const free =
      iaas === undefined ? doomed : await unbound(pool, doomed, { ...this.#options, iaas }, signal);
    if (free.length < doomed.length) metrics.failed();
    return free.length === 0 ? [] : freeRecords(pool, free, this.#options, signal);
  }

  /** One sight for all that is judged together: a node or a pod with several addresses is read once. */
  #live(knowledge: Knowledge, signal: AbortSignal): Pick<FactSources, 'sight' | 'absence'> {
    const sight = new LiveSight(this.#options.client, signal, knowledge.podWithUid);
    return { sight, absence: knowledge.absence };
  }

  async #removeEndpoints(judged: readonly Judged[], signal: AbortSignal): Promise<void> {
    const endpoints = new Map<string, SpiderEndpoint>();
    for (const { record, facts, verdict } of judged) {
      if (verdict.action !== 'free' || !verdict.endpoint || facts.endpoint.state !== 'present') continue;
      endpoints.set(record.pod, facts.endpoint.object);
    }
    await inParallel([...endpoints], async ([pod, endpoint]) => {
      const removed = await this.#counted(() => removeEndpoint(endpoint, this.#options, signal));
      if (removed) this.#options.log.info({ endpoint: pod }, 'removed the endpoint of a pod that is gone');
    });
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#options.metrics.failed();
      throw error;
    }
  }
}
