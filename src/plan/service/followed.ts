// Connected UDP sockets, and which of them speak with a backend that their Service does not have any more.

import { type Frontend, frontendKey, type Place, placeText, type ServiceTable } from './tables.ts';

export interface FollowedSocket {
  /** The kernel's number of the socket. No two sockets of the machine ever have the same. */
  readonly cookie: bigint;
  /** The Service to which it connected. */
  readonly service: Frontend;
  readonly backend: Place;
}

/**
 * The sockets whose Service does not have their backend, not even one that takes no new connections. One place may be a
 * backend of several Services, so each socket is judged by its own.
 */
export function staleSockets(sockets: readonly FollowedSocket[], table: ServiceTable): FollowedSocket[] {
  const serving = new Map<string, ReadonlySet<string>>();
  return sockets.filter(({ service, backend }) => {
    const key = frontendKey(service);
    let places = serving.get(key);
    if (places === undefined) {
      const { ready = [], draining = [] } = table.get(key)?.backends ?? {};
      places = new Set([...ready, ...draining].map(placeText));
      serving.set(key, places);
    }
    return !places.has(placeText(backend));
  });
}
