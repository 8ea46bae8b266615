// Facts about one record for the tests of this folder. By default nobody holds the address, and it is freed.

import { type Pod, resources, type SpiderEndpoint } from '#api';
import type { ReclaimFacts } from './index.ts';
import {
  defaultReclaimSettings,
  type ReclaimSettings,
  type ReclaimVerdict,
  reclaimVerdict,
} from './index.ts';

/** The time of every look, unless a test moves it. */
export const NOW_MS = Date.parse('2026-06-01T12:00:00Z');

/** RFC 3339 text of a time relative to {@link NOW_MS}. */
export function at(seconds: number): string {
  return new Date(NOW_MS + seconds * 1000).toISOString();
}

interface PodFields {
  readonly uid?: string;
  readonly name?: string;
  readonly phase?: NonNullable<Pod['status']>['phase'];
  /** Whether the status names an address. True unless set. */
  readonly address?: boolean;
  readonly metadata?: Partial<Pod['metadata']>;
  readonly spec?: object;
  readonly status?: object;
}

/** A running pod `ns/app-0` with the record's UID and address. With another UID, it has another address. */
export function podOf({
  uid = 'u1',
  name = 'app-0',
  phase = 'Running',
  address = true,
  ...more
}: PodFields = {}): Pod {
  return resources.pods.schema.parse({
    metadata: { name, namespace: 'ns', uid, ...more.metadata },
    spec: { containers: [{ name: 'c' }], ...more.spec },
    status: {
      phase,
      ...(address && { podIPs: [{ ip: uid === 'u1' ? '10.6.0.5' : '10.6.0.9' }] }),
      ...more.status,
    },
  });
}

export function present<T>(object: T) {
  return { state: 'present', object } as const;
}

export function endpointOf(uid = 'u1', ips: object[] = []): SpiderEndpoint {
  return resources.spiderEndpoints.schema.parse({
    metadata: { name: 'app-0', namespace: 'ns' },
    status: {
      current: { uid, node: 'node1', ips },
      ownerControllerType: 'StatefulSet',
      ownerControllerName: 'app',
    },
  });
}

/** StatefulSet `app` with the ordinals 0 and 1. */
export const statefulSet = { kind: 'StatefulSet', name: 'app', ordinals: { start: 0, replicas: 2 } } as const;
/** The same, scaled down to nothing. */
export const scaledDown = { ...statefulSet, ordinals: { start: 0, replicas: 0 } } as const;

export function factsOf(changes: Partial<ReclaimFacts> = {}): ReclaimFacts {
  return {
    record: { pool: 'p', address: '10.6.0.5', pod: 'ns/app-0', podUid: 'u1', nic: 'eth0' },
    holder: { state: 'absent', sinceMs: NOW_MS },
    namesake: undefined,
    endpoint: present(endpointOf()),
    owner: { kind: 'other' },
    companion: { state: 'absent' },
    node: { name: 'node1', state: 'ready' },
    sandbox: 'gone',
    nowMs: NOW_MS,
    ...changes,
  };
}

export function verdictOf(
  changes: Partial<ReclaimFacts> = {},
  settings: Partial<ReclaimSettings> = {},
): ReclaimVerdict {
  return reclaimVerdict(factsOf(changes), { ...defaultReclaimSettings, ...settings });
}

/** `keep`, `free`, `free with endpoint`, or `wait` with the seconds from {@link NOW_MS}. */
export function told(verdict: ReclaimVerdict): string {
  if (verdict.action === 'wait') return `wait ${(verdict.untilMs - NOW_MS) / 1000}`;
  return verdict.action === 'free' && verdict.endpoint ? 'free with endpoint' : verdict.action;
}
