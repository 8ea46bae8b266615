// A Service as packets reach it: one address and port, and its endpoints.

import type { Address } from '#ip';

export interface ServiceEndpoint {
  readonly address: Address;
  readonly port: number;
  readonly node?: string;
}

/** One port of a Service in one family. */
export interface ServiceFront {
  readonly namespace: string;
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly clusterIp: Address;
  readonly port: number;
  readonly nodePort?: number;
  /** externalTrafficPolicy Local. */
  readonly externalLocal: boolean;
  /** internalTrafficPolicy Local. */
  readonly internalLocal: boolean;
  readonly endpoints: readonly ServiceEndpoint[];
}
