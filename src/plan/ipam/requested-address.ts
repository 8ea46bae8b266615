// Requests for particular addresses. They are not supported yet, and each one is refused with an error.

import { OrbError } from '#base';

/** @throws OrbError ADDRESS_REQUEST_UNSERVED if `value` requests an address. `field` names its place. */
export function refuseRequestedAddress(field: string, value: unknown): void {
  if (isEmpty(value)) return;
  throw new OrbError('ADDRESS_REQUEST_UNSERVED', {
    message: `${field} ${JSON.stringify(value)} requests particular addresses, which this release does not support`,
    subject: field,
  });
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
