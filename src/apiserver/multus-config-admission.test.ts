// SpiderMultusConfigs over HTTP, with our CRDs: what the server stores, refuses, warns of and shows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crdManifests, resources, type SpiderMultusConfig } from '#api';
import { poolAdmission } from './index.ts';
import { type JsonObject, listAt, stringAt, valueAt } from './json.ts';
import { type TestServer, testServer, token } from './server-fixture.ts';

const configs = '/apis/spiderpool.spidernet.io/v2beta1/namespaces/kube-system/spidermultusconfigs';
let port: number;

const { server, start, stop }: TestServer = testServer(
  poolAdmission({
    pools: () => [],
    subnets: () => [],
    nodes: () => [],
    multusConfigs: () => server.objects(resources.spiderMultusConfigs) as unknown as SpiderMultusConfig[],
    definitions: () => [],
  }),
);

before(async () => {
  port = await start();
  for (const crd of crdManifests()) {
    const made = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
    assert.equal(made.code, 201);
  }
});
after(stop);

async function call(method: string, path: string, body?: object, accept = 'application/json') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const warnings = response.headers.get('warning') ?? '';
  return { code: response.status, body: (await response.json()) as JsonObject, warnings };
}

/** Applies an object as kubectl does: unknown fields of a schema are an error. */
function create(name: string, spec: object, annotations: object = {}) {
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderMultusConfig' };
  const metadata = { name, namespace: 'kube-system', annotations };
  return call('POST', `${configs}?fieldValidation=Strict`, { ...kind, metadata, spec });
}

test('the guide’s manifest is stored as it is written, with the defaults of Spiderpool', async () => {
  const spec = {
    cniType: 'macvlan',
    enableCoordinator: true,
    macvlan: { master: ['ens192'], ippools: { ipv4: ['v4-pool'] } },
  };
  const { code, body } = await create('macvlan-ens192', spec);
  assert.equal(code, 201);
  assert.deepEqual(valueAt(body, 'spec'), {
    cniType: 'macvlan',
    disableIPAM: false,
    enableCoordinator: true,
    macvlan: { master: ['ens192'], mtu: 0, ippools: { ipv4: ['v4-pool'], matchMasterSubnet: false } },
  });
});

test('a field of a newer Spiderpool is stored, and a warning names it', async () => {
  const spec = { cniType: 'custom', ipam: { enabled: false, order: 'random' } };
  const { code, body, warnings } = await create('newer', spec);
  assert.equal(code, 201);
  assert.deepEqual(valueAt(body, 'spec', 'ipam'), spec.ipam);
  assert.match(warnings, /does not know spec\.ipam\.order: stored, but without effect/);
});

test('a wrong object is refused with its field, by the rules of the CRD or by admission', async () => {
  const macvlan = { master: ['eth0'] };
  const cases: [object, RegExp][] = [
    [{ cniType: 'macvlan' }, /macvlan is required when cniType is macvlan/],
    [{ cniType: 'vlan', vlan: { ...macvlan, vlanMode: 'auto', vlanID: 5 } }, /vlanID must be left out/],
    [{ cniType: 'macvlan', macvlan: { ...macvlan, vlanID: 4095 } }, /spec\.macvlan\.vlanID: .*4095/],
    [
      { cniType: 'macvlan', macvlan: { ...macvlan, ippools: { matchMasterSubnet: true } } },
      /matchMasterSubnet is supported for sriov only/,
    ],
    [{ cniType: 'macvlan', macvlan, coordinator: { podRPFilter: 3 } }, /spec\.coordinator\.podRPFilter/],
    [
      { cniType: 'macvlan', macvlan, chainCNIJsonData: ['{}'] },
      /spec\.chainCNIJsonData\[0\]: Forbidden: invalid \{\}/,
    ],
  ];
  for (const [spec, message] of cases) {
    const { code, body } = await create('wrong', spec);
    assert.equal(code, 422);
    assert.match(stringAt(body, 'message') ?? '', message);
  }
});

test('a second object that wants the same definition is refused before any definition exists', async () => {
  const { code, body } = await create('second', {}, { 'multus.spidernet.io/cr-name': 'macvlan-ens192' });
  assert.equal(code, 422);
  assert.match(
    stringAt(body, 'message') ?? '',
    /the net-attach-def kube-system\/macvlan-ens192 already exists and is managed by SpiderMultusConfig kube-system\/macvlan-ens192\./,
  );
});

test('the status is a subresource, and kubectl shows type, definition and readiness', async () => {
  const path = `${configs}/macvlan-ens192`;
  const { body } = await call('GET', path);
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Rendered' }];
  const status = { networkAttachmentDefinition: 'macvlan-ens192', conditions };
  assert.equal((await call('PUT', `${path}/status`, { ...body, spec: {}, status })).code, 200);
  const table = await call('GET', path, undefined, 'application/json;as=Table;v=v1;g=meta.k8s.io');
  const [row] = listAt(table.body, 'rows');
  const cells = listAt(row, 'cells');
  assert.deepEqual(cells.slice(0, 5), ['macvlan-ens192', 'macvlan', 'macvlan-ens192', 'True', 'Rendered']);
});
