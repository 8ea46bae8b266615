// Which pods of the node hold addresses of which pools. A node has some hundred pods, so the series are few.

import { Gauge, type Registry } from 'prom-client';
import type { AttachmentRecord } from '#node';

/** What an attachment says of its pod and its addresses. */
export type CountedAttachment = Pick<AttachmentRecord, 'pod' | 'ipam' | 'supersededBy'>;

/** No node has so many pods. A broken runtime may leave as many sandboxes as it likes. */
const MOST_SERIES = 2_000;

export function addPodMetrics(registry: Registry, attachments: () => readonly CountedAttachment[]): void {
  new Gauge({
    name: 'orbweaver_pod_addresses',
    help: 'Addresses of a pod of this node, by pool',
    labelNames: ['namespace', 'pod', 'pool'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, count] of countsOf(attachments())) this.set(labels, count);
    },
  });
}

function countsOf(attachments: readonly CountedAttachment[]) {
  const counts = new Map<string, readonly [Record<'namespace' | 'pod' | 'pool', string>, number]>();
  for (const { pod, ipam, supersededBy } of attachments) {
    if (pod === undefined || supersededBy !== undefined || ipam?.state !== 'done') continue;
    for (const { pool } of ipam.addresses) {
      const labels = { namespace: pod.namespace, pod: pod.name, pool };
      const key = JSON.stringify(labels);
      if (counts.size === MOST_SERIES && !counts.has(key)) continue;
      counts.set(key, [labels, (counts.get(key)?.[1] ?? 0) + 1]);
    }
  }
  return counts.values();
}
