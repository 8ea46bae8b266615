// The Service proxy of the nodes: it watches Services and EndpointSlices, and keeps the nftables table of every node up to date.

import { type EndpointSlice, resources, type Service } from '#api';
import { type Clock, errorText, type Logger } from '#base';
import { type KubeClient, Reflector } from '#kube';
import { type ServiceFront, serviceFronts } from './service-fronts.ts';

export interface ServiceProxyParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodes: readonly string[];
  /** Resolves when the node serves these. */
  readonly load: (node: string, fronts: readonly ServiceFront[]) => Promise<void>;
}

/** Changes come in bursts, one for each pod of a rollout. The proxy collects them for this time. */
const GATHER_MS = 20;

export class ServiceProxy {
  readonly #parts: ServiceProxyParts;
  readonly #services: Reflector<Service>;
  readonly #slices: Reflector<EndpointSlice>;
  readonly #loaded = new Map<string, string>();
  #pending: Promise<void> | undefined;
  #again = false;

  constructor(parts: ServiceProxyParts) {
    this.#parts = parts;
    const follow = { client: parts.client, clock: parts.clock, log: parts.log };
    this.#services = new Reflector({ ...follow, type: resources.services });
    this.#slices = new Reflector({ ...follow, type: resources.endpointSlices });
    this.#services.subscribe(() => this.#changed());
    this.#slices.subscribe(() => this.#changed());
  }

  start(): void {
    this.#services.start();
    this.#slices.start();
    this.#changed();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#services.stop(), this.#slices.stop()]);
    await this.#pending;
  }

  /** Resolves when the current state is loaded on every node. */
  async settled(): Promise<void> {
    while (this.#pending !== undefined) await this.#pending;
  }

  /** The number of ready endpoints that are known; only endpoints that are pods count. */
  endpoints(): number {
    const slices = this.#slices.store.list().flatMap(({ endpoints }) => endpoints ?? []);
    return slices.filter(
      ({ conditions, targetRef }) => targetRef?.kind === 'Pod' && conditions?.ready !== false,
    ).length;
  }

  #changed(): void {
    this.#again = true;
    this.#pending ??= this.#syncAll().finally(() => {
      this.#pending = undefined;
    });
  }

  /** A change that arrives while rules are loaded needs another round. */
  async #syncAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#sync();
    }
  }

  async #sync(): Promise<void> {
    const { clock, log, nodes, load } = this.#parts;
    await Promise.all([this.#services.ready, this.#slices.ready]);
    await clock.sleep(GATHER_MS);
    await Promise.all(
      nodes.map(async (node) => {
        const fronts = serviceFronts(this.#services.store.list(), this.#slices.store.list(), node);
        const text = JSON.stringify(fronts);
        if (this.#loaded.get(node) === text) return;
        try {
          await load(node, fronts);
          this.#loaded.set(node, text);
        } catch (error) {
          log.error({ node, error: errorText(error) }, 'the Service rules could not be loaded');
        }
      }),
    );
  }
}
