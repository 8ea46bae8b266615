// Verdicts that fail an ADD, with the texts that users and scripts of Spiderpool search for.

import { errorText, OrbError } from '#base';
import { type Address, formatAddress } from '#ip';
import type { Mac } from '#net';

/** Another machine has an address of the NIC, or is about to take it. */
export function conflictError(nic: string, address: Address, mac: Mac): OrbError {
  const text = formatAddress(address);
  return new OrbError('ADDRESS_CONFLICT', {
    message: `ip conflict: pod's interface ${nic} with an conflicting ip ${text}, ${text} is located at ${mac}`,
    subject: `address ${text} dev ${nic}`,
  });
}

/** A conflict after which no other address was available. `error` says why. */
export function withoutAlternative(conflict: OrbError, error: unknown): OrbError {
  return new OrbError(conflict.code, {
    message: conflict.message,
    ...(conflict.subject !== undefined && { subject: conflict.subject }),
    said: `no other address: ${errorText(error)}`,
    cause: error,
  });
}

/** The gateway did not answer. */
export function gatewayError(nic: string, gateway: Address): OrbError {
  const text = formatAddress(gateway);
  return new OrbError('GATEWAY_UNREACHABLE', {
    message: `gateway ${text} is unreachable`,
    subject: `gateway ${text} dev ${nic}`,
  });
}

/** Probes could not be sent. `cause` is the kernel's error for the last one. */
export function unheardError(nic: string, cause: unknown): OrbError {
  return new OrbError('PROBE_FAILED', {
    message: `addresses of interface ${nic} could not be probed: its link does not carry frames`,
    subject: `interface ${nic}`,
    ...(cause !== undefined && { cause }),
  });
}
