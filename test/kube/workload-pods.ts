// The pods of workloads.yaml: they become Ready, and have what the pools record for them.

import type { Cluster } from './cluster.ts';
import { until } from './command.ts';
import type { Installation } from './installation.ts';
import { type PodPlace, podPlaces } from './places.ts';
import { allocations } from './traces.ts';

/** As in workloads.yaml. */
export const fewPods = 4;

interface UnderlayPod {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly status: { readonly podIPs: readonly { readonly ip: string }[] };
}

/** One entry of the annotation network-status (Multi-Network de-facto standard, §5). */
interface NetworkStatus {
  readonly default?: boolean;
  readonly ips?: readonly string[];
}

export class WorkloadPods {
  readonly #cluster: Cluster;
  readonly #installation: Installation;

  constructor(cluster: Cluster, installation: Installation) {
    this.#cluster = cluster;
    this.#installation = installation;
  }

  async start(): Promise<void> {
    await this.#installation.apply('test/kube/manifests/workloads.yaml');
    await this.untilReady();
    const pods = await podPlaces(this.#cluster, 'underlay');
    if (pods.length !== fewPods) throw new Error(`there are ${pods.length} underlay pods, not ${fewPods}`);
    await this.checkAddresses(pods);
    await this.#checkNetworkStatus();
    await until('each pod has a SpiderEndpoint', 60, async () => {
      const { items } = (await this.#cluster.get('spiderendpoints')) as { items: unknown[] };
      return items.length === pods.length;
    });
  }

  /** The part of the coordinator's result that Multus shows to the user. */
  async #checkNetworkStatus(): Promise<void> {
    const { items } = (await this.#cluster.get('pods', '-l', 'app=underlay')) as { items: UnderlayPod[] };
    for (const { metadata, status } of items) {
      const networks = JSON.parse(
        metadata.annotations['k8s.v1.cni.cncf.io/network-status'] ?? '[]',
      ) as NetworkStatus[];
      const shown = networks.find((network) => network.default)?.ips ?? [];
      const held = status.podIPs.map(({ ip }) => ip);
      if (shown.join() !== held.join()) {
        throw new Error(`${metadata.name} has ${held.join(', ')}, Multus shows ${JSON.stringify(networks)}`);
      }
    }
  }

  async untilReady(): Promise<void> {
    await Promise.all([
      this.#cluster.kubectl(['rollout', 'status', 'deployment/underlay', '--timeout=180s']),
      this.#cluster.kubectl(['rollout', 'status', 'daemonset/overlay', '--timeout=180s']),
    ]).catch(async (error: unknown) => {
      const events = await this.#cluster.kubectl([
        ...['get', 'events', '--field-selector=type=Warning'],
        ...['-o', 'custom-columns=:.message', '--no-headers'],
      ]);
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${events.slice(0, 4000)}`);
    });
  }

  /** Each pod has the two addresses that the pools record for it, and no other pod has them. */
  async checkAddresses(pods: readonly PodPlace[]): Promise<void> {
    const held = await allocations(this.#cluster);
    for (const { name, uid, addresses } of pods) {
      const recorded = held.filter(({ podUid }) => podUid === uid).map(({ address }) => address);
      if (recorded.length !== 2 || recorded.toSorted().join() !== addresses.toSorted().join()) {
        throw new Error(`${name} has ${addresses.join(', ')}, but the pools record ${recorded.join(', ')}`);
      }
    }
    if (held.length !== 2 * pods.length)
      throw new Error(`the pools hold ${held.length} addresses for ${pods.length} pods`);
  }
}
