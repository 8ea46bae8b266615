// What a NIC in a pod gets besides its name: MTU, addresses and routes, as the result of ADD has them.

import type { CniResult } from '#api';
import { formatCidr, networkOf, parseAddress, parseCidr, sameAddress, sameCidr } from '#ip';
import { type InterfaceAddress, MAIN_TABLE, type NetworkChange, type Route, RTPROT } from '#net';

/**
 * The changes in the pod, in order: the NIC is up before its routes are made. Routes are those that a main plugin of the
 * project containernetworking makes; one without a gateway goes by that of the address of its family.
 */
export function nicChanges(dev: string, result: CniResult, mtuBytes?: number): NetworkChange[] {
  const addresses = (result.ips ?? []).map(({ address }) => parseCidr(address));
  return [
    ...(mtuBytes === undefined
      ? []
      : [{ verb: 'set', kind: 'link', link: { name: dev, mtuBytes } } as const]),
    ...addresses.map((address): NetworkChange => {
      // Nobody else has the NIC, and the source of the address has looked whether it is free.
      const noDad = address.address.family === 6;
      return { verb: 'replace', kind: 'address', address: { dev, address, scope: 'global', noDad } };
    }),
    { verb: 'set', kind: 'link', link: { name: dev, up: true } },
    ...routesOf(dev, result).map((route) => ({ verb: 'replace', kind: 'route', route }) as const),
  ];
}

function routesOf(dev: string, { ips = [], routes = [] }: CniResult): Route[] {
  const gateways = ips.flatMap(({ gateway }) => (gateway === undefined ? [] : parseAddress(gateway)));
  return routes.map(({ dst = '', gw }) => {
    const destination = networkOf(parseCidr(dst));
    const { family } = destination.address;
    const gateway = gw ? parseAddress(gw) : gateways.find((one) => one.family === family);
    return {
      ...{ destination, table: MAIN_TABLE, type: 'unicast', protocol: RTPROT.boot, dev },
      ...(gateway === undefined ? { scope: 'link' } : { scope: 'global', gateway }),
    };
  });
}

/** What a pod has, in all tables of routes. */
export interface PodSight {
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}

/** What CHECK misses of them: each a sentence. A plugin of the chain may move a route to another table. */
export function missingOf(dev: string, result: CniResult, { addresses, routes }: PodSight): string[] {
  const has = addresses.filter((one) => one.dev === dev).map(({ address }) => formatCidr(address));
  const lost = (result.ips ?? []).filter(({ address }) => !has.includes(formatCidr(parseCidr(address))));
  const away = routesOf(dev, result).filter((wanted) => !routes.some((route) => leadsAs(route, wanted)));
  return [
    ...lost.map(({ address }) => `address ${address} of ${dev} is missing`),
    ...away.map(({ destination }) => `the route of ${dev} to ${formatCidr(destination)} is missing`),
  ];
}

function leadsAs({ destination, dev, gateway }: Route, wanted: Route): boolean {
  const isBy =
    gateway === undefined || wanted.gateway === undefined
      ? gateway === wanted.gateway
      : sameAddress(gateway, wanted.gateway);
  return isBy && dev === wanted.dev && sameCidr(destination, wanted.destination);
}
