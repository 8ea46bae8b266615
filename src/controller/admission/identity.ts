// The certificates of the webhooks as plain data: the authority that the API server trusts, and what it issued.

import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { errorText, OrbError } from '#base';
import { type Certificate, certify, newKey } from '#program';

/** What all replicas serve with, and what the API server trusts. */
export interface ShownIdentity {
  /** PEM certificates, the newest first. Older ones stay trusted until they end. */
  readonly authorities: readonly string[];
  /** What the server shows. */
  readonly serving: Certificate;
}

/** An identity of ours, which we can renew. */
export interface Identity extends ShownIdentity {
  /** The private key of the newest authority, PEM. */
  readonly authorityKey: string;
}

/** The data of a Secret, in base64. */
type SecretData = Readonly<Record<string, string>>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AUTHORITY_DAYS = 3650;
const SERVING_DAYS = 365;
/** Clocks of machines differ. A certificate is valid from so long before it is made. */
const SKEW_MS = DAY_MS;
/** An authority issues nothing before all API servers must have heard of it. */
const SPREAD_MS = HOUR_MS;

/** A new authority, and a certificate for `names` of it. */
export function newIdentity(names: readonly string[], nowMs: number): Identity {
  const authority = newAuthority(nowMs);
  return {
    authorities: [authority.certificate],
    authorityKey: authority.key,
    serving: issue(authority, names, nowMs),
  };
}

/**
 * The identity with what it needs now; the same object if nothing changes. Certificates are renewed when a third of their
 * time is left. A new authority is trusted for an hour before it issues a certificate.
 */
export function renewedIdentity(identity: Identity, names: readonly string[], nowMs: number): Identity {
  const [newest = '', ...older] = identity.authorities;
  if (isAging(newest, nowMs)) {
    const authority = newAuthority(nowMs);
    const trusted = [newest, ...older].filter((certificate) => untilMs(certificate) > nowMs);
    const renewed = {
      ...identity,
      authorities: [authority.certificate, ...trusted],
      authorityKey: authority.key,
    };
    // Without a valid authority nobody is served, so there is nothing to wait for.
    return trusted.length > 0 ? renewed : { ...renewed, serving: issue(authority, names, nowMs) };
  }
  const trusted = identity.authorities.filter((certificate) => untilMs(certificate) > nowMs);
  const isSpread = fromMs(newest) + SKEW_MS + SPREAD_MS <= nowMs;
  const isServed = serves(identity.serving.certificate, identity.authorities, names, nowMs);
  const isDue = !isServed || isAging(identity.serving.certificate, nowMs);
  if (isDue && (isSpread || !isServed)) {
    const authority = { certificate: newest, key: identity.authorityKey };
    return { ...identity, authorities: trusted, serving: issue(authority, names, nowMs) };
  }
  return trusted.length < identity.authorities.length ? { ...identity, authorities: trusted } : identity;
}

/** The data of a Secret, in base64. */
export function identityData({ authorities, authorityKey, serving }: Identity): Record<string, string> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    'ca.crt': base64(authorities.join('')),
    'ca.key': base64(authorityKey),
    'tls.crt': base64(serving.certificate),
    'tls.key': base64(serving.key),
  };
}

/** @throws OrbError WEBHOOK_SECRET_INVALID that names the wrong key, and never its value */
export function readIdentity(data: SecretData, subject: string): Identity {
  const { authorities, serving } = readProvided(data, subject);
  const authorityKey = readKey(data, 'ca.key', subject, (text) => keyOf(text, authorities[0] ?? ''));
  return { authorities, authorityKey, serving };
}

/** Certificates that others made, in the keys that cert-manager writes. @throws as {@link readIdentity} */
export function readProvided(data: SecretData, subject: string): ShownIdentity {
  const authorities = readKey(data, 'ca.crt', subject, certificatesIn);
  // Intermediate authorities follow the certificate of the server.
  const certificate = readKey(data, 'tls.crt', subject, (text) => certificatesIn(text).join(''));
  const key = readKey(data, 'tls.key', subject, (text) => keyOf(text, certificate));
  return { authorities, serving: { key, certificate } };
}

function readKey<T>(data: SecretData, key: string, subject: string, parse: (text: string) => T): T {
  try {
    return parse(Buffer.from(data[key] ?? '', 'base64').toString());
  } catch (error) {
    const message = `${subject}: ${key} cannot be read`;
    throw new OrbError('WEBHOOK_SECRET_INVALID', { message, subject, said: errorText(error) });
  }
}

/** The value of `caBundle` in webhook configurations. */
export function caBundleOf({ authorities }: ShownIdentity): string {
  return Buffer.from(authorities.join('')).toString('base64');
}

function newAuthority(nowMs: number): Certificate {
  const key = newKey();
  const subject = `orbweaver webhooks ${randomBytes(8).toString('hex')}`;
  const valid = { fromMs: nowMs - SKEW_MS, untilMs: nowMs + AUTHORITY_DAYS * DAY_MS };
  return { key, certificate: certify(key, { subject, names: [], isAuthority: true, valid }) };
}

function issue(authority: Certificate, names: readonly string[], nowMs: number): Certificate {
  const key = newKey();
  const untilAt = Math.min(nowMs + SERVING_DAYS * DAY_MS, untilMs(authority.certificate));
  const facts = {
    subject: 'orbweaver-controller',
    names,
    isAuthority: false,
    valid: { fromMs: Math.max(nowMs - SKEW_MS, fromMs(authority.certificate)), untilMs: untilAt },
  };
  return { key, certificate: certify(key, facts, authority) };
}

function serves(
  certificate: string,
  authorities: readonly string[],
  names: readonly string[],
  nowMs: number,
): boolean {
  const read = new X509Certificate(certificate);
  return (
    untilMs(certificate) > nowMs &&
    names.every((name) => read.checkHost(name) !== undefined) &&
    authorities.some((authority) => {
      const issuer = new X509Certificate(authority);
      return untilMs(authority) > nowMs && read.checkIssued(issuer) && read.verify(issuer.publicKey);
    })
  );
}

function isAging(certificate: string, nowMs: number): boolean {
  const until = untilMs(certificate);
  return nowMs > until - (until - fromMs(certificate)) / 3;
}

const fromMs = (certificate: string) => Date.parse(new X509Certificate(certificate).validFrom);
const untilMs = (certificate: string) => Date.parse(new X509Certificate(certificate).validTo);

/** The certificates of a PEM text, at least one. */
function certificatesIn(text: string): string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];
  if (found.length === 0) throw new Error('it has no PEM certificate');
  return found.map((certificate) => {
    new X509Certificate(certificate); // throws
    return `${certificate.trimEnd()}\n`;
  });
}

function keyOf(text: string, certificate: string): string {
  const key = createPrivateKey(text);
  if (!new X509Certificate(certificate).checkPrivateKey(key))
    throw new Error('it is not the key of the certificate');
  return text;
}
