// What runs in the pods of a kubelet: programs that run for ever, and errands, which run to their end, with their exit codes.

import type { Pod } from '#api';
import { keyOf } from '#kube';
import { type ContainerEnd, errandsOf, type PodProcesses, type RunPlace } from './processes.ts';

export interface PodRunsOptions {
  readonly processes: PodProcesses;
  /** The commands to run in a pod that runs for ever. The default is none. */
  readonly commandsOf: ((pod: Pod) => readonly (readonly string[])[]) | undefined;
  /** Called when the errands of a pod have ended. */
  readonly onEnd: (pod: Pod) => void;
}

export class PodRuns {
  readonly #options: PodRunsOptions;
  readonly #ends = new Map<string, readonly ContainerEnd[]>();
  /** Pods in the node's own network, by key. They have no sandbox. */
  readonly #onHost = new Map<string, RunPlace>();

  constructor(options: PodRunsOptions) {
    this.#options = options;
  }

  /** Starts the programs of a pod that runs for ever, unless they are running. */
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

  /** Where a pod in the node's network runs; the kubelet runs in the same network. */
  onHost(pod: Pod): RunPlace {
    const place = { containerId: pod.metadata.uid ?? '', netns: '/proc/self/ns/net' };
    this.#onHost.set(keyOf(pod), place);
    return place;
  }

  /** Stops what the pod with that key ran in the node's network, unless its UID is `uid`. */
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
