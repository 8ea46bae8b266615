// Converts MAC addresses between text and six bytes.

import { OrbError } from '#base';
import type { Mac } from '#net';

/** The six bytes of `0a:1b:0a:06:d4:f1`. */
export function macBytes(mac: Mac): Uint8Array {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(mac)) {
    throw new OrbError('INPUT_INVALID', {
      message: `invalid MAC address '${mac}'; allowed: six pairs of hexadecimal digits joined by ':'`,
    });
  }
  return Uint8Array.from(mac.split(':'), (pair) => Number.parseInt(pair, 16));
}

export function macFromBytes(bytes: Uint8Array): Mac {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
