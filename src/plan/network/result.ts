// The CNI result of the coordinator: the previous plugin's, with what the plan made and changed.

import type { CniResult } from '#api';
import type { DesiredNetwork } from './desired.ts';

/**
 * The veth pair goes in front of the others: Multus before 4.1 takes the last interface of the sandbox for the NIC
 * (network-attachment-definition-client, CreateNetworkStatus), so that behind it `network-status` would name veth0.
 * The NIC has the MAC address that the plan gave it (Spiderpool reported the one before).
 */
export function coordinatorResult(
  previous: CniResult,
  desired: DesiredNetwork,
  netnsPath: string,
): CniResult {
  const { hostLink, hostMac, podLink, podMac, nicMac } = desired.summary;
  const nic = desired.attachment.interfaceName;
  const made = [
    { name: hostLink, mac: hostMac },
    { name: podLink, mac: podMac, sandbox: netnsPath },
  ];
  const interfaces = (previous.interfaces ?? []).map((one) =>
    one.name === nic && one.sandbox && nicMac !== undefined ? { ...one, mac: nicMac } : one,
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
