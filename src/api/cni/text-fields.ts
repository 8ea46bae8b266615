// Text fields of CNI documents with names of interfaces, addresses and networks. They are checked, and stay text.

import { z } from 'zod';
import { isOrbError } from '#base';
import { formatCidr, hostCidr, parseCidr, tryParseAddress } from '#ip';

/**
 * The names that dev_name_valid() of the kernel (net/core/dev.c) and the CNI specification allow. IFNAMSIZ is 16 with
 * the final zero.
 */
export const INTERFACE_NAME = /^(?!\.{1,2}$)[^/:\s]{1,15}$/;

/** An IPv4 or IPv6 address. */
export const addressText = z.string().refine((text) => tryParseAddress(text) !== undefined, {
  error: 'must be an IP address, for example 10.6.0.1 or fd00::1',
});

/** An address or nothing. Go's net.IP reads empty text and null as no address. */
export const addressIfAny = z
  .string()
  .refine((text) => text === '' || tryParseAddress(text) !== undefined, {
    error: 'must be an IP address, for example 10.6.0.1 or fd00::1',
  })
  .transform((text) => (text === '' ? undefined : text))
  .optional();

const HEX = '[0-9a-fA-F]';
/**
 * 6, 8 or 20 bytes (EUI-48, EUI-64, InfiniBand). They are pairs of digits joined by `:` or `-`, or groups of four
 * joined by dots.
 */
const HARDWARE_ADDRESS = new RegExp(
  [5, 7, 19]
    .flatMap((more) => [
      `^${HEX}{2}(:${HEX}{2}){${more}}$`,
      `^${HEX}{2}(-${HEX}{2}){${more}}$`,
      `^${HEX}{4}(\\.${HEX}{4}){${(more - 1) / 2}}$`,
    ])
    .join('|'),
);

/** A hardware address in one of the forms of Go's net.ParseMAC. Empty for none. */
export const hardwareAddressIfAny = z
  .string()
  .refine((text) => text === '' || HARDWARE_ADDRESS.test(text), {
    error: 'must be a hardware address, for example 02:00:00:00:00:05, 02-00-00-00-00-05 or 0200.0000.0005',
  })
  .transform((text) => (text === '' ? undefined : text))
  .optional();

/** An address with its prefix length. Host bits are kept. */
export const cidrText = z.string().refine(isCidr, {
  error: 'must be an address with a prefix length, for example 10.6.0.5/16 or fd00::5/64',
});

/** An address that a pod asks for, with or without a prefix length. */
export const requestedAddressText = z
  .string()
  .refine((text) => tryParseAddress(text) !== undefined || isCidr(text), {
    error: 'must be an IP address, with or without a prefix length',
  });

/** A network. A single address means the network with only this address. Blanks around it are removed. */
export const networkText = z.string().transform((text, context) => {
  const trimmed = text.trim();
  const host = tryParseAddress(trimmed);
  if (host !== undefined) return formatCidr(hostCidr(host));
  if (isCidr(trimmed)) return trimmed;
  context.addIssue({
    code: 'custom',
    input: text,
    message: 'must be a network or an address, for example 10.233.0.0/18 or 169.254.25.10',
  });
  return z.NEVER;
});

function isCidr(text: string): boolean {
  try {
    parseCidr(text);
    return true;
  } catch (error) {
    if (isOrbError(error, 'INPUT_INVALID')) return false;
    throw error;
  }
}
