// The clients of Keystone, Neutron and Nova against the real servers.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isOrbError, silentLogger } from '#base';
import { cloudClient, cloudOf } from '#openstack';
import { Api, client, environmentOf, makeNetwork, type PortObject } from './scene.ts';
import { authUrl, emptyRegion, region } from './servers/place.ts';

const nobody = '00000000-0000-4000-8000-000000000000';
let api: Api;
let network: Awaited<ReturnType<typeof makeNetwork>>;
let folder: string;

before(async () => {
  api = await Api.of();
  network = await makeNetwork(api, 'client', '10.20.0.0/24');
  folder = mkdtempSync(join(tmpdir(), 'orbweaver-clouds-'));
});
after(() => rmSync(folder, { recursive: true }));

const newPort = (fields: Record<string, unknown> = {}) =>
  api.make<PortObject>('port', { network_id: network.networkId, ...fields });

describe('Keystone', () => {
  test('an application credential logs in, from clouds.yaml and secure.yaml', async () => {
    const made = await api.keystone<{ application_credential: { id: string; secret: string } }>(
      'POST',
      `/users/${api.userId}/application_credentials`,
      { application_credential: { name: 'nodes' } },
    );
    const { id, secret } = made.application_credential;
    const auth = { auth_url: authUrl, application_credential_id: id };
    const open = { lab: { auth, auth_type: 'v3applicationcredential', region_name: region } };
    writeFileSync(join(folder, 'clouds.yaml'), JSON.stringify({ clouds: open }));
    const hidden = { lab: { auth: { application_credential_secret: secret } } };
    writeFileSync(join(folder, 'secure.yaml'), JSON.stringify({ clouds: hidden }));
    const config = cloudOf({ OS_CLOUD: 'lab' }, { home: '/nonexistent', folder });
    const cloud = cloudClient(config, { log: silentLogger });
    assert.equal((await cloud.session.pass()).projectId, api.projectId);
    assert.ok((await cloud.neutron.extensions()).has('revision-if-match'));
    cloud.close();
  });

  test('a wrong password is refused, and the message has no password', async () => {
    const cloud = client({ ...environmentOf(), OS_PASSWORD: 'a-wrong-password' });
    await assert.rejects(cloud.session.pass(), (error) => {
      assert.ok(isOrbError(error, 'OPENSTACK_LOGIN_REFUSED'), String(error));
      assert.match(error.message, /Keystone answered 401 to log in as user cni, project k8s \(request req-/);
      assert.doesNotMatch(error.message, /a-wrong-password/);
      return true;
    });
    cloud.close();
  });

  test('a catalog with two regions needs the name of one', async () => {
    const { OS_REGION_NAME: _, ...environment } = environmentOf();
    const cloud = client(environment);
    await assert.rejects(cloud.neutron.port(nobody), (error) => {
      assert.ok(isOrbError(error, 'OPENSTACK_ENDPOINT_UNCLEAR'), String(error));
      assert.match(error.message, /regions RegionOne, RegionTwo: name one/);
      return true;
    });
    cloud.close();
  });

  test('a region whose servers are away is no region without ports', async () => {
    const cloud = client({ ...environmentOf(), OS_REGION_NAME: emptyRegion });
    const change = { description: 'x' };
    await assert.rejects(cloud.neutron.updatePort(nobody, change, { revision: 1 }), (error) =>
      isOrbError(error, 'OPENSTACK_UNREACHABLE'),
    );
    cloud.close();
  });

  test('a token that was revoked is replaced once, and the call succeeds', async () => {
    const port = await newPort();
    const cloud = client();
    const { token } = await cloud.session.pass();
    const revoked = await fetch(`${authUrl}/auth/tokens`, {
      method: 'DELETE',
      headers: { 'x-auth-token': token, 'x-subject-token': token },
    });
    assert.equal(revoked.status, 204);
    const sight = await cloud.neutron.port(port.id);
    assert.equal(sight.is, 'there');
    assert.notEqual((await cloud.session.pass()).token, token);
    cloud.close();
  });
});

describe('Neutron', () => {
  test('a port that does not exist is absent', async () => {
    const cloud = client();
    assert.deepEqual(await cloud.neutron.port(nobody), { is: 'absent' });
    assert.deepEqual(await cloud.neutron.network(nobody), { is: 'absent' });
    cloud.close();
  });

  test('a change of the description leaves security groups, pairs and addresses alone', async () => {
    const pairs = [{ ip_address: '10.20.9.0/24' }];
    const port = await newPort({ allowed_address_pairs: pairs });
    const cloud = client();
    await cloud.neutron.updatePort(port.id, { description: 'changed' }, { revision: port.revision_number });
    const { port: now } = await api.neutron<{ port: PortObject & { allowed_address_pairs: unknown[] } }>(
      'GET',
      `/ports/${port.id}`,
    );
    assert.equal(now.description, 'changed');
    assert.deepEqual(now.security_groups, port.security_groups);
    assert.deepEqual(now.fixed_ips, port.fixed_ips);
    assert.equal(now.allowed_address_pairs.length, 1);
    cloud.close();
  });

  test('a change of another revision is refused', async () => {
    const port = await newPort();
    const cloud = client();
    const change = { description: 'changed' };
    const stale = { revision: port.revision_number + 7 };
    await assert.rejects(cloud.neutron.updatePort(port.id, change, stale), (error) =>
      isOrbError(error, 'OPENSTACK_CHANGED'),
    );
    cloud.close();
  });

  test('a list of more ports than a page has each port once', async () => {
    // Without a subnet a port has no address, and is made sooner.
    const { id } = await api.make('network', { name: 'many' });
    const names = Array.from({ length: 105 }, (_, i) => ({ network_id: id, name: `port-${i}` }));
    await api.neutron('POST', '/ports', { ports: names });
    const cloud = client();
    const ports = await cloud.neutron.ports({ network_id: id });
    assert.equal(ports.length, 105);
    assert.equal(new Set(ports.map((port) => port.id)).size, 105);
    cloud.close();
  });
});
