// Removes SpiderEndpoints whose pod is gone and that no record of a pool belongs to. The key is that of the endpoint.

import { type KubeObject, type SpiderEndpoint, unreadableNote } from '#api';
import { keyOf } from '#kube';
import { splitKey } from '#reconcile';
import type { AddressController, AddressState } from '../kinds.ts';
import type { ReclaimControllerOptions } from './pools.ts';
import { poolsNaming, watchedSight } from './watched.ts';

export function endpointReclaimController(options: ReclaimControllerOptions): AddressController {
  const { reclaimer, absences, clock, scanIntervalMs } = options;
  let scannedMs = Number.NEGATIVE_INFINITY;
  return {
    name: 'endpoint-reclaim',
    concerns: (kind, object, state) => {
      if (kind !== 'pods' && kind !== 'endpoints') return [];
      return orphaned(object, state) === undefined ? [] : [keyOf(object)];
    },
    outside: () => () => {
      scannedMs = Number.NEGATIVE_INFINITY;
    },
    timed: (state) => {
      const nowMs = clock.monotonic();
      if (nowMs - scannedMs < scanIntervalMs) return [];
      scannedMs = nowMs;
      return state.endpoints
        .list()
        .filter((endpoint) => orphaned(endpoint, state))
        .map(keyOf);
    },
    plan: async (key, state, _, signal) => {
      const { namespace, name } = splitKey(key);
      const endpoint = orphaned({ metadata: { namespace, name } }, state);
      // The pool's own turn removes the endpoint together with the record.
      if (endpoint === undefined || poolsNaming(endpoint.status?.current.uid ?? '', state).length > 0)
        return [];
      const nowMs = clock.now();
      const verdict = await reclaimer.reclaimEndpoint(
        endpoint,
        {
          absence: (uid) => absences.of(uid, nowMs),
          podWithUid: (uid) => watchedSight(state, options.claims.state).podWithUid(uid),
        },
        signal,
      );
      if (verdict.action !== 'wait') return [];
      return { actions: [], againAfterMs: Math.max(0, verdict.untilMs - clock.now()) };
    },
  };
}

/** The endpoint of that name, if it can be read and its pod is gone. */
function orphaned(
  { metadata: { name = '', namespace } }: KubeObject,
  state: AddressState,
): SpiderEndpoint | undefined {
  const endpoint = state.endpoints.get(name, namespace);
  const pod = state.pods.get(name, namespace);
  // One that cannot be read does not say which pod it is of.
  if (endpoint === undefined || unreadableNote(endpoint) !== undefined) return undefined;
  const isCurrent = pod !== undefined && pod.metadata.uid === endpoint.status?.current.uid;
  return isCurrent ? undefined : endpoint;
}
