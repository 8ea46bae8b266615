// Writes the state of a pod to the API: its status, and the network-status annotation.

import { NETWORK_STATUS_ANNOTATION, type Pod, type PodStatus, resources } from '#api';
import { type Clock, timeText } from '#base';
import { type KubeClient, refOf } from '#kube';
import { addressesOf, networkStatus } from './network-status.ts';
import { FIRST_INTERFACE } from './pod-networks.ts';
import { endedStatus, isRunning, pendingStatus, runningStatus } from './pod-status.ts';
import type { ContainerEnd } from './processes.ts';
import type { AttachedNetwork } from './sandboxes.ts';

export class PodReporter {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #nodeAddresses: () => readonly string[];

  constructor(client: KubeClient, clock: Clock, nodeAddresses: () => readonly string[]) {
    this.#client = client;
    this.#clock = clock;
    this.#nodeAddresses = nodeAddresses;
  }

  /** The kubelet has accepted the pod. */
  async pending(pod: Pod): Promise<void> {
    await this.#write(pod, pendingStatus(pod, this.#moment()));
  }

  /** The pod has its networks. The annotation is written before the status, as with Multus. */
  async attached(pod: Pod, containerId: string, attached: readonly AttachedNetwork[]): Promise<void> {
    const statuses = attached.map(({ network, result }) => networkStatus(network, result));
    const annotations = { [NETWORK_STATUS_ANNOTATION]: JSON.stringify(statuses, null, 4) };
    const body = { metadata: { uid: pod.metadata.uid, annotations } };
    await this.#client.patch(resources.pods, refOf(pod), { type: 'merge', body });
    const first = attached.find(({ network }) => network.interface === FIRST_INTERFACE);
    await this.running(
      pod,
      containerId,
      first === undefined ? [] : addressesOf(first.result, FIRST_INTERFACE),
    );
  }

  /** The pod runs. */
  async running(pod: Pod, containerId: string, addresses: readonly string[]): Promise<void> {
    if (isRunning(pod)) return;
    await this.#write(pod, runningStatus(pod, { containerId, addresses, ...this.#moment() }));
  }

  /** The pod has ended. */
  async ended(pod: Pod, containerId: string, ends: readonly ContainerEnd[]): Promise<void> {
    await this.#write(pod, endedStatus(pod, containerId, ends, this.#moment().now));
  }

  #moment(): { readonly nodeAddresses: readonly string[]; readonly now: string } {
    const now = timeText(this.#clock.now());
    return { nodeAddresses: this.#nodeAddresses(), now };
  }

  /** The UID is a precondition: another pod with the same name must not be changed. */
  async #write(pod: Pod, status: PodStatus): Promise<void> {
    const body = { metadata: { uid: pod.metadata.uid }, status };
    await this.#client.patch(resources.pods, refOf(pod), { type: 'merge', body, subresource: 'status' });
  }
}
