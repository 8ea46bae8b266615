// Certificates of the servers in our programs: self-signed ones, authorities, and those that an authority issues.
//
// node:crypto makes keys and signatures, but no certificates. So this file writes the RFC 5280 structures that a certificate needs.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { addressBytes, parseAddress } from '#ip';

/** A private key, and the certificate that the server shows and clients trust. Both are PEM. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** A fresh P-256 key in PEM. */
export function newKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

const DAY_MS = 86_400_000;

/** Whether an older certificate is still usable: it is for this key and all `names`, and valid for another month. */
export function stillServes(
  { key, certificate }: Certificate,
  names: readonly string[],
  nowMs: number,
): boolean {
  const made = new X509Certificate(certificate);
  const covers = (name: string) =>
    (isIP(name) === 0 ? made.checkHost(name) : made.checkIP(name)) !== undefined;
  return (
    made.checkPrivateKey(createPrivateKey(key)) &&
    names.every(covers) &&
    Date.parse(made.validTo) > nowMs + 30 * DAY_MS
  );
}

/** Certifies `key` for `names` (addresses or host names), valid from a day before `nowMs` for ten years. */
export function selfSigned(key: string, names: readonly string[], nowMs: number): Certificate {
  const valid = { fromMs: nowMs - DAY_MS, untilMs: nowMs + 3650 * DAY_MS };
  return { key, certificate: certify(key, { subject: 'orbweaver', names, isAuthority: true, valid }) };
}

/** What a certificate says. */
export interface CertificateFacts {
  /**
   * The common name. That of an authority must be unique: clients find the issuer of a certificate by its name.
   */
  readonly subject: string;
  /** Addresses or host names. */
  readonly names: readonly string[];
  /** Whether it may issue others. */
  readonly isAuthority: boolean;
  /** Milliseconds since 1970. */
  readonly valid: { readonly fromMs: number; readonly untilMs: number };
}

/** A certificate of the private key in PEM. The issuer signs it; without an issuer it is self-signed. */
export function certify(key: string, facts: CertificateFacts, issuer?: Certificate): string {
  const { subject, names, isAuthority, valid } = facts;
  const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'));
  const issuerName = issuer === undefined ? subject : commonName(issuer.certificate);
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    ecdsaWithSha256,
    distinguishedName(issuerName),
    sequence(time(valid.fromMs), time(valid.untilMs)),
    distinguishedName(subject),
    createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      sequence(
        isAuthority ? basicConstraints() : serverAuthentication(),
        ...(names.length > 0 ? [subjectAltName(names)] : []),
      ),
    ),
  );
  const signature = sign('sha256', body, createPrivateKey(issuer?.key ?? key));
  const der = sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** The common name in a certificate that {@link certify} made. */
function commonName(certificate: string): string {
  return new X509Certificate(certificate).subject.replace(/^CN=/, '');
}

function distinguishedName(text: string): Buffer {
  return sequence(tlv(0x31, sequence(objectId('2.5.4.3'), tlv(0x0c, Buffer.from(text)))));
}

/**
 * The serial number: 01, then 126 random bits.
 * DER allows no superfluous leading zero, and Go refuses a certificate that has one.
 */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes;
}

/** Critical, CA: clients trust the certificate itself (RFC 5280 §4.2.1.9). */
function basicConstraints(): Buffer {
  const yes = tlv(0x01, Buffer.from([0xff]));
  return sequence(objectId('2.5.29.19'), yes, tlv(0x04, sequence(yes)));
}

/** The key is for TLS servers alone (RFC 5280 §4.2.1.12). */
function serverAuthentication(): Buffer {
  return sequence(objectId('2.5.29.37'), tlv(0x04, sequence(objectId('1.3.6.1.5.5.7.3.1'))));
}

/** RFC 5280 §4.2.1.6: dNSName is context tag 2, iPAddress 7. */
function subjectAltName(names: readonly string[]): Buffer {
  const entries = names.map((name) => {
    return isIP(name) === 0
      ? tlv(0x82, Buffer.from(name))
      : tlv(0x87, Buffer.from(addressBytes(parseAddress(name))));
  });
  return sequence(objectId('2.5.29.17'), tlv(0x04, sequence(...entries)));
}

/** Tag, length, content (X.690 §8.1). */
function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** A positive number: its first bit is zero. */
function integer(bytes: Buffer): Buffer {
  return tlv(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

/** UTCTime is for dates until 2049. Later dates would need GeneralizedTime (RFC 5280 §4.1.2.5). */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return text < '2050' ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}
