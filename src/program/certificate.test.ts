import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { newKey, selfSigned, stillServes } from './certificate.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2030, 0, 1);
const key = newKey();
const made = selfSigned(key, ['localhost', '127.0.0.1', '::1', 'fd00:0:0::5'], nowMs);

test('a certificate is used again for its own names', () => {
  assert.equal(stillServes(made, ['localhost', '127.0.0.1', '::1', 'fd00::5'], nowMs), true);
});

test('a certificate is not used again for another name, with another key, or in its last month', () => {
  assert.equal(stillServes(made, ['127.0.0.2'], nowMs), false);
  assert.equal(stillServes(made, ['elsewhere'], nowMs), false);
  assert.equal(stillServes({ ...made, key: newKey() }, ['localhost'], nowMs), false);
  assert.equal(stillServes(made, ['localhost'], nowMs + 3630 * dayMs), false);
});

const issuedMs = Date.UTC(2026, 0, 2, 3, 4, 5);

test('a certificate covers its own key and names, for ten years from the day before', () => {
  const { certificate } = selfSigned(newKey(), ['localhost', '127.0.0.1', 'fd00::1'], issuedMs);
  const read = new X509Certificate(certificate);
  assert.equal(read.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:1');
  assert.equal(read.checkHost('localhost'), 'localhost');
  assert.equal(read.checkHost('example.org'), undefined);
  assert.equal(read.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(read.checkIP('127.0.0.2'), undefined);
  assert.equal(read.validFromDate.toISOString(), '2026-01-01T03:04:05.000Z');
  assert.equal(read.validToDate.toISOString(), '2035-12-31T03:04:05.000Z');
  assert.ok(read.verify(read.publicKey));
  assert.ok(read.checkIssued(read));
  assert.ok(read.ca);
});

test('a year from 2050 on is written as GeneralizedTime', () => {
  const { certificate } = selfSigned(newKey(), ['localhost'], Date.UTC(2049, 6, 1));
  const read = new X509Certificate(certificate);
  assert.equal(read.validToDate.getUTCFullYear(), 2059);
  assert.equal(read.validFromDate.getUTCFullYear(), 2049);
});

test('each certificate of a key has another serial number, positive and without a leading zero', () => {
  const serials = Array.from(
    { length: 64 },
    () => new X509Certificate(selfSigned(key, ['a'], issuedMs).certificate).serialNumber,
  );
  assert.equal(new Set(serials).size, serials.length);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});
