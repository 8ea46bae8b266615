// Where the provider of an IaaS has bound an address.

import type { IaasPlace } from '#api';

export function samePlace(a: IaasPlace | undefined, b: IaasPlace | undefined): boolean {
  return a?.node === b?.node && a?.parentNicMac === b?.parentNicMac;
}
