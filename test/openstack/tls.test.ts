// The clients through TLS: servers whose certificate an authority of the cloud has issued, and which nobody else knows.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isOrbError } from '#base';
import { type Certificate, certify, newKey } from '#program';
import { Front } from './front.ts';
import { Api, client, makeNetwork, type PortObject } from './scene.ts';

const DAY_MS = 86_400_000;
let api: Api;
let front: Front;
let folder: string;
let port: PortObject;
const valid = { fromMs: Date.now() - DAY_MS, untilMs: Date.now() + DAY_MS };

function authority(subject: string): Certificate {
  const key = newKey();
  return { key, certificate: certify(key, { subject, names: [], isAuthority: true, valid }) };
}

/** Writes the authority's certificate, and gives its path. */
function caFile({ certificate }: Certificate, name: string): string {
  const path = join(folder, name);
  writeFileSync(path, certificate);
  return path;
}

const cloudCa = authority('the cloud');
/** With the same name: only the key differs. */
const otherCa = authority('the cloud');

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-tls-'));
  const key = newKey();
  const names = ['127.0.0.1'];
  const cert = certify(key, { subject: 'front', names, isAuthority: false, valid }, cloudCa);
  front = await Front.start({ tls: { cert, key } });
  api = await Api.of();
  const { networkId } = await makeNetwork(api, 'tls', '10.45.0.0/24');
  port = await api.make<PortObject>('port', { network_id: networkId });
});
after(() => {
  front.close();
  rmSync(folder, { recursive: true });
});

test('servers that the CA file knows are asked, and written to', async () => {
  const cloud = client({ ...front.environment(), OS_CACERT: caFile(cloudCa, 'cloud.pem') });
  const sight = await cloud.neutron.port(port.id);
  assert.ok(sight.is === 'there');
  const revision = sight.value.revision_number;
  const changed = await cloud.neutron.updatePort(port.id, { description: 'by TLS' }, { revision });
  assert.equal(changed.description, 'by TLS');
  assert.ok(front.asked.some(({ server }) => server === 'keystone'));
  assert.equal(front.count('PUT'), 1);
  cloud.close();
});

for (const [what, more] of [
  ['another CA', () => ({ OS_CACERT: caFile(otherCa, 'other.pem') })],
  ['no CA file', () => ({})],
] as const) {
  test(`with ${what} no request is made, so no password is sent`, async () => {
    front.asked.length = 0;
    const cloud = client({ ...front.environment(), ...more() });
    await assert.rejects(cloud.session.pass(AbortSignal.timeout(3_000)), (error) => {
      if (!isOrbError(error)) return (error as Error).name === 'TimeoutError';
      assert.ok(isOrbError(error, 'OPENSTACK_UNREACHABLE'), String(error));
      return true;
    });
    assert.deepEqual(front.asked, []);
    cloud.close();
  });
}
