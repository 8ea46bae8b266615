// The pods that still have NICs of ours. They cannot end well once our executables are gone.

import type { Pod, SpiderEndpoint } from '#api';
import type { RecordedAddress } from '#plan/reclaim';

export interface PodInTheWay {
  readonly namespace: string;
  readonly name: string;
  /** Empty if it is not scheduled. */
  readonly node: string;
  readonly addresses: readonly string[];
}

/**
 * The pods that exist and whose UID a pool or a SpiderEndpoint records. A finished pod counts too: its record goes when its
 * sandbox does. Records of pods that are gone stay for the next installation.
 */
export function podsInTheWay(
  pods: readonly Pod[],
  records: readonly RecordedAddress[],
  endpoints: readonly SpiderEndpoint[],
): PodInTheWay[] {
  const addresses = Map.groupBy(records, ({ podUid }) => podUid);
  const withEndpoint = new Set(endpoints.map(({ status }) => status?.current?.uid));
  return pods
    .filter(({ metadata: { uid = '' } }) => addresses.has(uid) || withEndpoint.has(uid))
    .map(({ metadata: { namespace = '', name = '', uid = '' }, spec }) => ({
      namespace,
      name,
      node: spec?.nodeName ?? '',
      addresses: (addresses.get(uid) ?? []).map(({ address }) => address),
    }))
    .toSorted((a, b) => textOf(a).localeCompare(textOf(b)));
}

function textOf({ namespace, name }: PodInTheWay): string {
  return `${namespace}/${name}`;
}
