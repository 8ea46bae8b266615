import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpiderIPPool, SpiderMultusConfig } from '#api';
import { administrator } from './access/user.ts';
import type { ApiObject, JsonObject } from './json.ts';
import { poolAdmission } from './pool-admission.ts';
import type { AdmissionRequest } from './ports.ts';
import { StatusError } from './status.ts';

const stored: ApiObject[] = [];
const node = {
  metadata: { name: 'node1' },
  status: { addresses: [{ type: 'InternalIP', address: '10.6.212.101' }] },
};
const multusConfigs: SpiderMultusConfig[] = [];
const admission = poolAdmission({
  pools: () => stored as unknown as SpiderIPPool[],
  subnets: () => [],
  nodes: () => [node],
  multusConfigs: () => multusConfigs,
  definitions: () => [],
});

function request(object: ApiObject, change: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    operation: 'CREATE',
    group: 'spiderpool.spidernet.io',
    version: 'v2beta1',
    kind: 'SpiderIPPool',
    plural: 'spiderippools',
    namespace: '',
    name: object.metadata.name,
    subresource: '',
    object,
    oldObject: undefined,
    user: administrator,
    dryRun: false,
    warnings: [],
    ...change,
  };
}

function pool(name: string, spec: JsonObject, more: JsonObject = {}): ApiObject {
  const apiVersion = 'spiderpool.spidernet.io/v2beta1';
  return {
    apiVersion,
    kind: 'SpiderIPPool',
    metadata: { name },
    spec: { subnet: '10.6.0.0/16', ...spec },
    ...more,
  };
}

async function admit(given: AdmissionRequest): Promise<ApiObject> {
  const object = (await admission.mutate?.(given)) ?? given.object;
  await admission.validate?.({ ...given, object });
  return object;
}

test('a new pool gets version, label and merged ranges, but no finalizer that no controller would remove', async () => {
  const made = await admit(request(pool('p', { ips: ['10.6.0.11', '10.6.0.10'] })));
  assert.deepEqual(made.spec, { subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.11'], ipVersion: 4 });
  assert.deepEqual(made.metadata, { name: 'p', labels: { 'ipam.spidernet.io/ippool-cidr': '10-6-0-0-16' } });
});

test('an address outside the subnet is refused with the field, the value and the allowed values', async () => {
  await assert.rejects(admit(request(pool('p', { ips: ['10.7.0.5'] }))), (error) => {
    assert.ok(error instanceof StatusError);
    assert.deepEqual([error.code, error.reason], [422, 'Invalid']);
    assert.match(
      error.message,
      /SpiderIPPool.* "p" is invalid: spec\.ips\[0\]: Invalid value: "10\.7\.0\.5": not match base subnet/,
    );
    return true;
  });
});

test('a pool that overlaps a stored pool is refused, and the stored pool itself may be written again', async () => {
  const first = pool('first', { ips: ['10.6.0.10-10.6.0.20'], ipVersion: 4 });
  stored.push(first);
  await assert.rejects(
    admit(request(pool('second', { ips: ['10.6.0.20'] }))),
    /spec\.ips: Forbidden: overlap with IPPool first in IP ranges \[10\.6\.0\.20\]/,
  );
  await admit(request(first, { operation: 'UPDATE', oldObject: first }));
  stored.pop();
});

test('a pool with allocated addresses cannot be deleted', async () => {
  const held = pool('p', { ipVersion: 4 }, { status: { allocatedIPCount: 1 } });
  await assert.rejects(admit(request(held, { operation: 'DELETE', oldObject: held })), /1 are in use/);
});

test('pool status written by an agent and objects of other kinds are not changed', async () => {
  const wrong = pool('p', { ips: ['10.7.0.5'] });
  assert.equal(await admit(request(wrong, { subresource: 'status' })), wrong);
  assert.equal(await admit(request(wrong, { plural: 'configmaps', group: '' })), wrong);
});

test('an object that is not shaped as a pool is left to the schema', async () => {
  const wrong = pool('p', { ips: 'all' });
  assert.equal(await admit(request(wrong)), wrong);
});

test('a SpiderCoordinator that would break every pod is refused, with each field and its value', async () => {
  const kind = { kind: 'SpiderCoordinator', plural: 'spidercoordinators' };
  const coordinator = (spec: JsonObject) => {
    const object = {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      ...kind,
      metadata: { name: 'default' },
      spec,
    };
    return admit(request(object as unknown as ApiObject, kind));
  };
  const cases: [JsonObject, RegExp][] = [
    [
      { hijackCIDR: ['10.0.0.0/99'] },
      /spec\.hijackCIDR\[0\]: Invalid value: "10\.0\.0\.0\/99": must be a network/,
    ],
    [
      { policyRoutes: [{ dst: '10.0.0.0/8', gw: 'x' }] },
      /spec\.policyRoutes\[0\]\.gw: Invalid value: "x": must be/,
    ],
    [
      { vethLinkAddress: '999.1.1.1' },
      /spec\.vethLinkAddress: Invalid value: "999\.1\.1\.1": must be an IPv4 address/,
    ],
  ];
  for (const [spec, message] of cases) await assert.rejects(coordinator(spec), { message });
  await assert.rejects(coordinator({ mode: 'auto' }), {
    message: /spec\.podCIDRType: Invalid value: .*: is required: one of auto, cluster, calico, cilium, none/,
  });
  const good = {
    podCIDRType: 'auto',
    hijackCIDR: ['10.0.0.1/8', '169.254.25.10'],
    vethLinkAddress: '',
    hostRuleTable: 500,
    mode: 'auto',
  };
  await coordinator(good);
});

test('a pool with the broadcast address is stored with a warning that names the address', async () => {
  const given = request(pool('edge', { subnet: '10.34.1.0/24', ips: ['10.34.1.250-10.34.1.255'] }));
  await admit(given);
  assert.deepEqual(given.warnings, [
    'spec.ips: 10.34.1.255 is the broadcast address of spec.subnet 10.34.1.0/24, so no pod gets it and it is not counted',
  ]);
});

test('a pool route to the address of a node is refused, unless the stored pool has it already', async () => {
  const routes = (dst: string) => ({ ips: ['10.6.7.1'], routes: [{ dst, gw: '10.6.0.2' }] });
  const bad = pool('r', routes('10.6.212.101/32'));
  await assert.rejects(admit(request(bad)), {
    message:
      /spec\.routes\[0\]\.dst: Invalid value: "10\.6\.212\.101\/32": is the address of node node1: remove this route, because pods reach their node through veth0/,
  });
  await admit(request(bad, { operation: 'UPDATE', oldObject: bad }));
  await admit(request(pool('r', routes('10.6.212.0/24'))));
});

test('a SpiderMultusConfig is refused with each field, and warned of fields that this version does not know', async () => {
  const config = (spec: object) => ({ ...pool('lan', {}), kind: 'SpiderMultusConfig', spec }) as ApiObject;
  const of = { kind: 'SpiderMultusConfig', plural: 'spidermultusconfigs' };
  const vlan = { master: ['eth0'], vlanMode: 'auto', vlanID: 100 };
  await assert.rejects(admit(request(config({ cniType: 'vlan', vlan }), of)), {
    message: /spec\.vlan\.vlanID: Invalid value: 100: vlanId must not be specified when vlanMode is auto/,
  });
  const given = request(config({ cniType: 'custom', later: 1 }), of);
  await admit(given);
  assert.match(given.warnings[0] ?? '', /does not know spec\.later/);
  multusConfigs.push(config({ cniType: 'custom' }) as unknown as SpiderMultusConfig);
  const rival = config({ cniType: 'custom' });
  const named = { ...rival, metadata: { name: 'b', annotations: { 'multus.spidernet.io/cr-name': 'lan' } } };
  await assert.rejects(admit(request(named as ApiObject, of)), {
    message:
      /cr-name\]: Forbidden: the net-attach-def .*lan already exists and is managed by SpiderMultusConfig/,
  });
});
