// Requests for particular addresses: what a field asks for. request-candidates.ts says which pool can serve it.

import { errorText, OrbError } from '#base';
import { type Address, type Family, formatAddress, parseAddress, parseCidr, sameAddress } from '#ip';

/** An address that an interface shall get. */
export interface RequestedAddress {
  readonly address: Address;
  /** Of the subnet, if the request names it. */
  readonly prefixLength: number | undefined;
  /** Where it is requested, for messages: `runtimeConfig.ips`. */
  readonly field: string;
}

/** What one interface requests: at most one address of each family. */
export type AddressRequest = Readonly<Partial<Record<Family, RequestedAddress>>>;

/**
 * Reads the fields that may request addresses of one interface. The first field that requests any decides alone. A
 * value is text with commas, or a list of texts. Each address may have a prefix length.
 * @throws OrbError INPUT_INVALID, which names the field and its value
 */
export function readAddressRequest(fields: Readonly<Record<string, unknown>>): AddressRequest {
  const [field, value] = Object.entries(fields).find(([, asked]) => !isEmpty(asked)) ?? [];
  if (field === undefined) return {};
  const invalid = (why: string) =>
    new OrbError('INPUT_INVALID', { message: `${field} ${JSON.stringify(value)}: ${why}`, subject: field });
  const texts = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(texts)) throw invalid('must be an address or a list of addresses');
  const request: Partial<Record<Family, RequestedAddress>> = {};
  for (const text of texts as readonly unknown[]) {
    if (typeof text !== 'string') throw invalid(`${JSON.stringify(text)} is not text`);
    const asked = parseRequest(text.trim(), invalid);
    const { family } = asked.address;
    const other = request[family];
    if (other !== undefined && !sameAddress(other.address, asked.address)) {
      const both = `${formatAddress(other.address)} and ${formatAddress(asked.address)}`;
      throw invalid(`an interface gets one address of each family, and ${both} are both IPv${family}`);
    }
    request[family] = { ...asked, field };
  }
  return request;
}

/** @throws OrbError ADDRESS_REQUEST_UNSERVED if `value` requests an address, for sources that cannot give any */
export function refuseRequestedAddress(field: string, value: unknown): void {
  if (isEmpty(value)) return;
  throw new OrbError('ADDRESS_REQUEST_UNSERVED', {
    message: `${field} ${JSON.stringify(value)} requests particular addresses, which this source of addresses does not give`,
    subject: field,
  });
}

function parseRequest(
  text: string,
  invalid: (why: string) => OrbError,
): { readonly address: Address; readonly prefixLength: number | undefined } {
  try {
    if (text.includes('/')) return parseCidr(text);
    return { address: parseAddress(text), prefixLength: undefined };
  } catch (error) {
    throw invalid(errorText(error));
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
