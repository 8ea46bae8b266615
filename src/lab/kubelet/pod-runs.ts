// What runs in the pods of a kubelet: programs that last, and errands with the way they ended.

import type { Pod } from '#api';
import { keyOf } from '#kube';
import { type ContainerEnd, errandsOf, type PodProcesses, type RunPlace } from './processes.ts';

export interface PodRunsOptions {
  readonly processes: PodProcesses;
  /** The commands to run in a pod that lasts; none unless told. */
  readonly commandsOf: ((pod: Pod) => readonly (readonly string[])[]) | undefined;
  /** Told when the errands of a pod have ended. */
  readonly onEnd: (pod: Pod) => void;
}

export class PodRuns {
  readonly #options: PodRunsOptions;
  readonly #ends = new Map<string, readonly ContainerEnd[]>();
  /** Pods in the network of the node, by key: they have no sandbox. */
  readonly #onHost = new Map<string, RunPlace>();

  constructor(options: PodRunsOptions) {
    this.#options = options;
  }

  /** Starts the programs of a pod that lasts, unless they run. */
  keep(pod: Pod, place: RunPlace): void {
    const { processes, commandsOf } = this.#options;
    if (errandsOf(pod) === undefined) processes.start(place, commandsOf?.(pod) ?? []);
  }

  /** Runs the errands of a pod once, if it has any. */
  finish(pod: Pod, place: RunPlace): void {
    const errands = errandsOf(pod);
    if (errands === undefined) return;
    const { processes, onEnd } = this.#options;
    processes.finish(place, errands, pod.spec?.restartPolicy === 'OnFailure', (found) => {
      this.#ends.set(place.containerId, found);
      onEnd(pod);
    });
  }

  /** How the errands ended; undefined while they run. */
  endsOf({ containerId }: RunPlace): readonly ContainerEnd[] | undefined {
    return this.#ends.get(containerId);
  }

  stop(place: RunPlace): void {
    this.#options.processes.stop(place);
    this.#ends.delete(place.containerId);
  }

  /** The place of a pod in the network of the node, which the kubelet shares. */
  onHost(pod: Pod): RunPlace {
    const place = { containerId: pod.metadata.uid ?? '', netns: '/proc/self/ns/net' };
    this.#onHost.set(keyOf(pod), place);
    return place;
  }

  /** Stops what a pod of that key ran in the network of the node, unless it is the one of `uid`. */
  leaveHost(key: string, uid: string | undefined): void {
    const place = this.#onHost.get(key);
    if (place === undefined || place.containerId === uid) return;
    this.stop(place);
    this.#onHost.delete(key);
  }

  stopAll(): void {
    this.#options.processes.stopAll();
  }
}
