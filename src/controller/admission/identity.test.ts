import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type Identity, identityData, newIdentity, readIdentity, renewedIdentity } from './identity.ts';

const dayMs = 86_400_000;
const bornMs = Date.UTC(2030, 0, 1);
const names = ['orbweaver-controller.kube-system.svc'];
const made = newIdentity(names, bornMs);

/** Whether clients that trust the authorities accept the served certificate. */
function isTrusted({ serving, authorities }: Identity): boolean {
  const shown = new X509Certificate(serving.certificate);
  return authorities.some((authority) => {
    const issuer = new X509Certificate(authority);
    return shown.checkIssued(issuer) && shown.verify(issuer.publicKey);
  });
}

test('a new identity is trusted for its names, and nobody can issue with the key that is served', () => {
  const shown = new X509Certificate(made.serving.certificate);
  assert.ok(isTrusted(made));
  assert.equal(shown.checkHost('orbweaver-controller.kube-system.svc'), names[0]);
  assert.equal(shown.ca, false);
  assert.deepEqual(shown.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.ok(new X509Certificate(made.authorities[0] ?? '').ca);
});

test('nothing changes while certificates are young, and the served one is renewed in its last third', () => {
  assert.equal(renewedIdentity(made, names, bornMs + 100 * dayMs), made);
  const renewed = renewedIdentity(made, names, bornMs + 250 * dayMs);
  assert.notEqual(renewed.serving.certificate, made.serving.certificate);
  assert.deepEqual(renewed.authorities, made.authorities);
  assert.ok(isTrusted(renewed));
});

test('a certificate is issued again for other names', () => {
  const renewed = renewedIdentity(made, ['elsewhere.svc'], bornMs + dayMs);
  assert.equal(new X509Certificate(renewed.serving.certificate).checkHost('elsewhere.svc'), 'elsewhere.svc');
});

test('a new authority is trusted before it issues, and the old one until it ends', () => {
  const lateMs = bornMs + 2500 * dayMs;
  // Both certificates are in their last third.
  const old = renewedIdentity(made, names, lateMs - dayMs * 250);
  const spread = renewedIdentity(old, names, lateMs);
  assert.equal(spread.authorities.length, 2);
  assert.equal(spread.authorities[1], made.authorities[0]);
  assert.equal(spread.serving, old.serving, 'clients that know only the old one are still served');
  assert.equal(renewedIdentity(spread, names, lateMs + 1000), spread);
  const issued = renewedIdentity(spread, names, lateMs + 2 * 3_600_000);
  assert.ok(isTrusted({ ...issued, authorities: issued.authorities.slice(0, 1) }));
  assert.ok(!isTrusted({ ...issued, authorities: issued.authorities.slice(1) }));
  const ended = renewedIdentity(issued, names, bornMs + 3651 * dayMs);
  assert.deepEqual(ended.authorities, spread.authorities.slice(0, 1));
});

test('an identity that was asleep for twenty years is made usable at once', () => {
  const awake = renewedIdentity(made, names, bornMs + 7300 * dayMs);
  assert.equal(awake.authorities.length, 1);
  assert.ok(isTrusted(awake));
  assert.equal(renewedIdentity(awake, names, bornMs + 7300 * dayMs), awake);
});

test('an identity is read back from its Secret, and damage is named without any value', () => {
  const data = identityData(made);
  assert.deepEqual(readIdentity(data, 'Secret a/b'), made);
  const other = identityData(newIdentity(names, bornMs));
  const cases: [Record<string, string>, RegExp][] = [
    [{}, /^Secret a\/b: ca\.crt cannot be read: it has no PEM certificate$/],
    [{ ...data, 'tls.key': other['tls.key'] ?? '' }, /tls\.key cannot be read: it is not the key of the/],
    [{ ...data, 'ca.key': 'AAAA' }, /ca\.key cannot be read/],
    [{ ...data, 'tls.crt': data['tls.crt']?.slice(0, 200) ?? '' }, /tls\.crt cannot be read/],
  ];
  for (const [damaged, message] of cases)
    assert.throws(() => readIdentity(damaged, 'Secret a/b'), { code: 'WEBHOOK_SECRET_INVALID', message });
});
