// The CNI result of the coordinator: the previous plugin's, with what the plan made and changed.

import type { CniResult } from '#api';
import type { DesiredNetwork } from './desired.ts';

/**
 * The veth pair is in the result of the first NIC that is ours, for which it was made. It goes in front of the others: Multus
 * before 4.1 takes the last interface of the sandbox for the NIC (network-attachment-definition-client,
 * CreateNetworkStatus), so that behind it `network-status` would name veth0.
 * The NIC has the MAC address that the plan gave it (Spiderpool reported the one before).
 */
export function coordinatorResult(
  previous: CniResult,
  desired: DesiredNetwork,
  nicName: string,
  netnsPath: string,
): CniResult {
  const mac = desired.nics.find(({ name }) => name === nicName)?.mac;
  const made = madeFor(desired, nicName, netnsPath);
  const interfaces = (previous.interfaces ?? []).map((one) =>
    one.name === nicName && one.sandbox && mac !== undefined ? { ...one, mac } : one,
  );
  return {
    ...previous,
    interfaces: [...made, ...interfaces],
    ...(previous.ips !== undefined && {
      ips: previous.ips.map((ip) =>
        ip.interface === undefined ? ip : { ...ip, interface: ip.interface + made.length },
      ),
    }),
  };
}

function madeFor({ veth, nics }: DesiredNetwork, nicName: string, sandbox: string) {
  if (veth === undefined || nics[0]?.name !== nicName) return [];
  return [
    { name: veth.hostLink, mac: veth.hostMac },
    { name: veth.podLink, mac: veth.podMac, sandbox },
  ];
}
