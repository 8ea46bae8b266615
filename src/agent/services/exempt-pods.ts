// The network namespaces of pods that leave Services to kube-proxy: those with a service mesh, for example.

import type { Pod } from '#api';
import type { Attachments } from '#node';
import { leavesServices } from '#plan/service';

export interface ExemptPodsParts {
  readonly attachments: Pick<Attachments, 'all'>;
  /** The pods of this node. */
  readonly pods: () => readonly Pod[];
  /** The cookie of the namespace at the path. Undefined where it is gone. */
  readonly cookieOf: (path: string, inode: number | undefined) => Promise<bigint | undefined>;
}

export class ExemptPods {
  readonly #parts: ExemptPodsParts;
  /** By container: the cookie of its namespace. */
  #cookies = new Map<string, bigint>();

  constructor(parts: ExemptPodsParts) {
    this.#parts = parts;
  }

  /** Their cookies. Pods without a NIC of ours are not known. */
  async cookies(): Promise<ReadonlySet<bigint>> {
    const { attachments, pods, cookieOf } = this.#parts;
    const uids = new Set(
      pods()
        .filter(leavesServices)
        .map(({ metadata }) => metadata.uid),
    );
    const found = new Map<string, bigint>();
    for (const { containerId, pod, netns } of uids.size === 0 ? [] : attachments.all()) {
      if (netns === undefined || pod === undefined || !uids.has(pod.uid) || found.has(containerId)) continue;
      const cookie = this.#cookies.get(containerId) ?? (await cookieOf(netns.path, netns.inode));
      if (cookie !== undefined) found.set(containerId, cookie);
    }
    this.#cookies = found;
    return new Set(found.values());
  }
}
