// The CNI result of the coordinator: the previous plugin's result, with the plan's additions and changes.

import type { CniResult } from '#api';
import type { DesiredNetwork } from '../state/index.ts';

/**
 * The NIC has the MAC address of the plan (Spiderpool reported the old one). The veth pair is in the result of the NIC
 * that it was made for, after the interfaces of earlier plugins. `ips` refer to interfaces by index. CHECK of the
 * plugin `bridge` fails if another link of the sandbox comes before its own. Addresses without an interface get the
 * index of this NIC. Otherwise Multus assigns them to the last interface of the sandbox
 * (network-attachment-definition-client, CreateNetworkStatuses).
 */
export function coordinatorResult(
  previous: CniResult,
  desired: DesiredNetwork,
  interfaceName: string,
  netnsPath: string,
): CniResult {
  const mac = desired.nics.find(({ name }) => name === interfaceName)?.mac;
  const made = madeFor(desired, interfaceName, netnsPath);
  const interfaces = (previous.interfaces ?? []).map((one) =>
    one.name === interfaceName && one.sandbox && mac !== undefined ? { ...one, mac } : one,
  );
  const own = interfaces.findIndex(({ name, sandbox }) => name === interfaceName && sandbox);
  return {
    ...previous,
    interfaces: [...interfaces, ...made],
    ...(previous.ips !== undefined && {
      ips: previous.ips.map((ip) => (made.length === 0 || own === -1 ? ip : { interface: own, ...ip })),
    }),
  };
}

function madeFor({ veth, nics }: DesiredNetwork, interfaceName: string, sandbox: string) {
  if (veth === undefined || nics[0]?.name !== interfaceName) return [];
  return [
    { name: veth.hostLink, mac: veth.hostMac },
    { name: veth.podLink, mac: veth.podMac, sandbox },
  ];
}
