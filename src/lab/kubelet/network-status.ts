// The network-status annotation: what each interface of a pod has, in the form that Multus writes.

import type { CniInterface, CniIp, CniResult, NetworkStatus } from '#api';
import type { PodNetwork } from './pod-networks.ts';

/** The interface that a result describes: it is inside the sandbox and has the name that the runtime gave. */
function interfaceOf(result: CniResult, name: string): { link: CniInterface; index: number } | undefined {
  const links = (result.interfaces ?? []).map((link, index) => ({ link, index }));
  const inside = links.filter(({ link }) => (link.sandbox ?? '') !== '');
  return inside.find(({ link }) => link.name === name) ?? inside[0];
}

/** The addresses of the runtime's interface. An address without an interface belongs to it too. */
export function addressesOf(result: CniResult, name: string): string[] {
  const index = interfaceOf(result, name)?.index;
  const own = (ip: CniIp) => ip.interface === undefined || ip.interface === index;
  return (result.ips ?? []).filter(own).map(({ address }) => address.replace(/\/.*$/, ''));
}

function gatewaysOf({ routes = [] }: CniResult): string[] {
  const gateways = routes.filter(({ dst }) => dst?.endsWith('/0')).flatMap(({ gw }) => gw ?? []);
  return [...new Set(gateways)];
}

/** One entry of the annotation. */
export function networkStatus(network: PodNetwork, result: CniResult): NetworkStatus {
  const link = interfaceOf(result, network.interface)?.link;
  const gateway = gatewaysOf(result);
  return {
    name: network.name,
    interface: network.interface,
    ips: addressesOf(result, network.interface),
    ...(link?.mac !== undefined && { mac: link.mac }),
    ...(link?.mtu !== undefined && { mtu: link.mtu }),
    ...(network.isDefault && { default: true }),
    dns: { ...result.dns },
    ...(gateway.length > 0 && { gateway }),
  };
}
