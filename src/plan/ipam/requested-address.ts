// Wishes for particular addresses: nothing serves them yet, and none is passed over in silence.

import { OrbError } from '#base';

/** Throws ADDRESS_REQUEST_UNSERVED where `value` is a wish; `field` says where it stands. */
export function refuseRequestedAddress(field: string, value: unknown): void {
  if (isEmpty(value)) return;
  throw new OrbError('ADDRESS_REQUEST_UNSERVED', {
    message: `${field} ${JSON.stringify(value)} asks for particular addresses, which is not served: the pod would get others`,
    subject: field,
  });
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
