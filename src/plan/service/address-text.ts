// IP addresses as objects of Kubernetes have them.

import { type Address, tryParseAddress } from '#ip';

/** Zeros at the beginning of a number mean nothing, as in Kubernetes (its ParseIPSloppy): `010.0.0.1` is 10.0.0.1. */
export function readAddressText(text: string): Address | undefined {
  return tryParseAddress(text.includes(':') ? text : text.replaceAll(/(?<![0-9])0+(?=[0-9])/g, ''));
}
