// Converts single protobuf values to JSON.

import type { Json } from '../json.ts';
import { broken, fieldsByNumber, type WireValue, wireFields } from './wire.ts';

/** The JSON of a scalar value of the message table; undefined for a value that is not set. */
export function decodeScalar(type: string, value: WireValue | undefined): Json | undefined {
  switch (type) {
    case 'bool':
      return numberOf(value) !== 0;
    case 'int':
      return numberOf(value);
    case 'double':
      return doubleOf(bytesOf(value));
    case 'bytes':
      return Buffer.from(bytesOf(value)).toString('base64');
    case 'quantity':
      return textOf(fieldsByNumber(bytesOf(value)).get(1));
    case 'texts':
      return [...wireFields(bytesOf(value))].map((it) => textOf(it.value));
    case 'intOrString':
      return intOrString(bytesOf(value));
    case 'rawJson':
      return rawJson(bytesOf(fieldsByNumber(bytesOf(value)).get(1)));
    case 'time':
    case 'microTime':
      return time(bytesOf(value), type === 'microTime' ? 6 : 0);
    default:
      return textOf(value);
  }
}

/** Whether an encoder writes this value for a field that is not set. */
export function isZero(value: WireValue): boolean {
  return value === 0n || (typeof value !== 'bigint' && value.every((byte) => byte === 0));
}

/** util/intstr IntOrString has three fields: type, int, string. */
function intOrString(bytes: Uint8Array): Json {
  const fields = fieldsByNumber(bytes);
  return numberOf(fields.get(1)) === 0 ? numberOf(fields.get(2)) : textOf(fields.get(3));
}

/** A meta/v1 Time has seconds and nanoseconds; the text shows `digits` digits of the fraction. */
function time(bytes: Uint8Array, digits: number): string | undefined {
  if (bytes.length === 0) return undefined;
  const fields = fieldsByNumber(bytes);
  const date = new Date(numberOf(fields.get(1)) * 1000);
  if (Number.isNaN(date.getTime())) throw broken('a malformed time');
  const fraction = String(numberOf(fields.get(2)))
    .padStart(9, '0')
    .slice(0, digits);
  return `${date.toISOString().slice(0, -'.000Z'.length)}${digits > 0 ? `.${fraction}` : ''}Z`;
}

function rawJson(bytes: Uint8Array): Json | undefined {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Json;
  } catch {
    throw broken('a field that is not JSON');
  }
}

function doubleOf(bytes: Uint8Array): number {
  if (bytes.length !== 8) throw broken('no double');
  return Buffer.from(bytes).readDoubleLE();
}

function numberOf(value: WireValue | undefined): number {
  if (value === undefined) return 0;
  if (typeof value !== 'bigint') throw broken('no number');
  return Number(BigInt.asIntN(64, value));
}

export function bytesOf(value: WireValue | undefined): Uint8Array {
  if (typeof value === 'bigint') throw broken('no bytes');
  return value ?? new Uint8Array();
}

export function textOf(value: WireValue | undefined): string {
  return Buffer.from(bytesOf(value)).toString();
}
