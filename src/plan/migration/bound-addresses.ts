// Which addresses the provider of an IaaS has bound for Spiderpool. Its pools do not say so, but its SpiderEndpoints have the
// MAC address and the VLAN of the provider's answer.

import type { IaasPlace, SpiderEndpoint, SpiderIPPool } from '#api';
import { formatAddress, parseCidr } from '#ip';
import { PoolLedger, PROVIDER_ANNOTATION, recordsText } from '../ipam/index.ts';

/** Spiderpool does not keep it, and its own garbage collection does not tell it either. */
const NIC_UNKNOWN = '';

export interface MarkedRecords {
  /** Addresses that get a mark. */
  readonly addresses: readonly string[];
  /** `status.allocatedIPs` with the marks. */
  readonly allocatedIPs: string;
}

/** The pool's records with a mark on each bound address, so that it is released at the provider first. */
export function markedRecords(pool: SpiderIPPool, endpoints: readonly SpiderEndpoint[]): MarkedRecords {
  const { records } = PoolLedger.read(pool);
  const places = boundIn(pool, endpoints);
  const marked = [...records].filter(([address, { pod, podUid, iaas }]) => {
    const bound = places.get(address);
    return bound !== undefined && iaas === undefined && (bound.podUid === podUid || bound.pod === pod);
  });
  const addresses = marked.map(([address]) => address);
  const marks = new Map(marked.map(([address, record]) => [address, withPlace(record, places.get(address))]));
  return { addresses, allocatedIPs: recordsText(new Map([...records, ...marks])) };
}

interface Bound {
  readonly pod: string;
  readonly podUid: string;
  readonly place: IaasPlace;
}

function withPlace<T extends object>(record: T, bound: Bound | undefined): T {
  return bound === undefined ? record : { ...record, iaas: bound.place };
}

/** What the endpoints say of the pool, by address. What was made ready for a pool stays bound. */
function boundIn({ metadata }: SpiderIPPool, endpoints: readonly SpiderEndpoint[]): Map<string, Bound> {
  if (metadata.annotations?.[PROVIDER_ANNOTATION]) return new Map();
  const found = endpoints.flatMap(({ metadata: { namespace, name }, status }) => {
    const { ips = [], uid: podUid = '', node = '' } = status?.current ?? {};
    return ips.flatMap(({ ipv4, ipv4Pool, mac, vlan }) => {
      if (ipv4 === undefined || ipv4Pool !== metadata.name || !(mac || vlan)) return [];
      const place = { node, parentNicMac: NIC_UNKNOWN };
      return [
        [formatAddress(parseCidr(ipv4).address), { pod: `${namespace}/${name}`, podUid, place }],
      ] as const;
    });
  });
  return new Map(found);
}
