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
  const digits = readDigits(value);
  const isUnicast = (Number.parseInt(digits?.slice(0, 2) ?? '', 16) & GROUP_BIT) === 0;
  if (digits?.length === 12 && isUnicast) return (digits.match(/../g) ?? []).join(':');
  const message = `${field} ${JSON.stringify(value)}: must be a unicast MAC address, for example 02:00:00:00:00:05`;
  throw new OrbError('INPUT_INVALID', { message, subject: field });
}

function readDigits(value: unknown): string | undefined {
  return hardwareAddressIfAny.safeParse(value).data?.replace(/[:.-]/g, '').toLowerCase();
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}
