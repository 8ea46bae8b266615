// A request for the link address of an interface. Multus passes it on, and some main plugins set it too.

import { hardwareAddressIfAny } from '#api';
import { OrbError } from '#base';
import type { Mac } from '#net';

/** The least significant bit of the first byte marks a group address (IEEE 802). No interface may have one. */
const GROUP_BIT = 1;

/**
 * The first field that requests a link address decides. The result has the kernel's form, `02:00:00:00:00:05`.
 * @throws OrbError INPUT_INVALID, which names the field and its value
 */
export function readRequestedMac(fields: Readonly<Record<string, unknown>>): Mac | undefined {
  const [field, value] = Object.entries(fields).find(([, asked]) => !isEmpty(asked)) ?? [];
  if (field === undefined) return undefined;
  const mac = unicastMac(value);
  if (mac !== undefined) return mac;
  const message = `${field} ${JSON.stringify(value)}: must be a unicast MAC address, for example 02:00:00:00:00:05`;
  throw new OrbError('INPUT_INVALID', { message, subject: field });
}

/** The address in the kernel's form. Undefined if it is none that an interface may have. */
export function unicastMac(value: unknown): Mac | undefined {
  const digits = readDigits(value);
  if (digits?.length !== 12 || /^0+$/.test(digits)) return undefined;
  const isUnicast = (Number.parseInt(digits.slice(0, 2), 16) & GROUP_BIT) === 0;
  return isUnicast ? (digits.match(/../g) ?? []).join(':') : undefined;
}

function readDigits(value: unknown): string | undefined {
  return hardwareAddressIfAny.safeParse(value).data?.replace(/[:.-]/g, '').toLowerCase();
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
