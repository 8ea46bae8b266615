// For root tests: a router advertisement (RFC 4861, 4.2), which gives hosts a default route and a prefix.

import { type Address, addressBytes, parseAddress } from '#ip';

const ALL_NODES = parseAddress('ff02::1');

/** A complete Ethernet frame from the router with this link address and link-local address. The prefix is a /64. */
export function routerAdvertisement(mac: string, router: Address, prefix: Address): Uint8Array {
  const body = Buffer.concat([
    // Type 134, hop limit 64, router for 1800 s.
    Buffer.from('86000000400007080000000000000000', 'hex'),
    // Prefix of 64 bits, on-link and for autoconfiguration, valid for 3600 s, preferred for 1800 s.
    Buffer.from('030440c000000e100000070800000000', 'hex'),
    addressBytes(prefix),
  ]);
  const [source, destination] = [addressBytes(router), addressBytes(ALL_NODES)];
  const pseudo = Buffer.from([0, 0, 0, body.length, 0, 0, 0, 58]);
  body.writeUInt16BE(checksum(Buffer.concat([source, destination, pseudo, body])), 2);
  const header = Buffer.from([0x60, 0, 0, 0, 0, body.length, 58, 255]);
  const ethernet = Buffer.from(`333300000001${mac.replaceAll(':', '')}86dd`, 'hex');
  return Buffer.concat([ethernet, header, source, destination, body]);
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
