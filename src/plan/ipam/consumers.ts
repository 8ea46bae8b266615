// Who uses the addresses of pools: namespaces and applications, with the number of addresses that their pods hold.

import type { PoolAllocation } from '#api';

export interface Consumer {
  readonly namespace: string;
  /** `Deployment web`. Undefined for a whole namespace. */
  readonly application: string | undefined;
  readonly addresses: number;
}

export interface Consumers {
  /** Both with the largest consumer first. */
  readonly namespaces: readonly Consumer[];
  readonly applications: readonly Consumer[];
}

/** `applicationOf` is asked with `namespace/name` of a pod. Pods of unknown applications count for their namespace alone. */
export function consumersOf(
  records: Iterable<PoolAllocation>,
  applicationOf: (pod: string) => string | undefined,
): Consumers {
  const namespaces = new Map<string, Consumer>();
  const applications = new Map<string, Consumer>();
  for (const { pod } of records) {
    const namespace = pod.slice(0, Math.max(pod.indexOf('/'), 0));
    const application = applicationOf(pod);
    count(namespaces, namespace, undefined);
    if (application !== undefined) count(applications, namespace, application);
  }
  return { namespaces: largestFirst(namespaces), applications: largestFirst(applications) };
}

function count(consumers: Map<string, Consumer>, namespace: string, application: string | undefined): void {
  const key = `${namespace}/${application ?? ''}`;
  const addresses = (consumers.get(key)?.addresses ?? 0) + 1;
  consumers.set(key, { namespace, application, addresses });
}

function largestFirst(consumers: ReadonlyMap<string, Consumer>): Consumer[] {
  return Array.from(consumers)
    .sort(([a, one], [b, other]) => other.addresses - one.addresses || (a < b ? -1 : 1))
    .map(([, consumer]) => consumer);
}
