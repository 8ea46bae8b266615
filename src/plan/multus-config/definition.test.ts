import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetConfList } from '#api';
import { completedCoordinator, configObject, macvlan, plugins, rendered } from './config-fixture.ts';
import { renderDefinition } from './index.ts';

const COPIED = 'multus.orbweaver.io/copied-annotations';

test('the definition belongs to its SpiderMultusConfig, so both are deleted together', () => {
  const { apiVersion, kind, metadata } = rendered(macvlan);
  assert.deepEqual([apiVersion, kind], ['k8s.cni.cncf.io/v1', 'NetworkAttachmentDefinition']);
  assert.deepEqual(metadata, {
    name: 'net',
    namespace: 'apps',
    ownerReferences: [
      {
        apiVersion: 'spiderpool.spidernet.io/v2beta1',
        kind: 'SpiderMultusConfig',
        name: 'net',
        uid: 'u1',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
});

test('cr-name names the definition and its configuration', () => {
  const { metadata, spec } = rendered(macvlan, { 'multus.spidernet.io/cr-name': 'lan' });
  assert.equal(metadata.name, 'lan');
  assert.equal(parseNetConfList(spec?.config ?? '', { subject: 'x' }).name, 'lan');
});

test('cniconfig-name names the configuration alone', () => {
  const annotations = { 'multus.spidernet.io/cr-name': 'lan', 'cni.spidernet.io/cniconfig-name': 'wire' };
  const { metadata, spec } = rendered(macvlan, annotations);
  assert.equal(metadata.name, 'lan');
  assert.equal(parseNetConfList(spec?.config ?? '', { subject: 'x' }).name, 'wire');
});

test('cni-version sets the version of the configuration', () => {
  const { spec } = rendered(macvlan, { 'multus.spidernet.io/cni-version': '1.0.0' });
  assert.equal(parseNetConfList(spec?.config ?? '', { subject: 'x' }).cniVersion, '1.0.0');
});

test('annotations are copied with a record of their keys, except for kubectl’s own', () => {
  const annotations = { a: '1', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  assert.deepEqual(rendered(macvlan, annotations).metadata.annotations, { a: '1', [COPIED]: 'a' });
});

test('the definition names the resource of the device plugin', () => {
  const key = 'k8s.v1.cni.cncf.io/resourceName';
  const resource = (spec: object) => rendered(spec).metadata.annotations?.[key];
  assert.equal(resource({ cniType: 'sriov', sriov: { resourceName: 'spidernet.io/vf' } }), 'spidernet.io/vf');
  assert.equal(resource({ cniType: 'ib-sriov', ibsriov: { resourceName: 'ib' } }), 'ib');
  const ovs = { bridge: 'br1', deviceID: '0000:03:00.1' };
  assert.equal(resource({ cniType: 'ovs', ovs }), 'ovs-cni.network.kubevirt.io/br1');
  assert.equal(resource({ cniType: 'ovs', ovs: { bridge: 'br1', deviceID: '' } }), undefined);
  assert.equal(resource(macvlan), undefined);
});

test('a custom configuration is taken as it is written', () => {
  const customCNI = '{ "cniVersion": "0.3.1",\n "type": "macvlan", "big": 12345678901234567890 }';
  assert.equal(rendered({ cniType: 'custom', customCNI }).spec?.config, customCNI);
});

test('an empty spec gives a definition without configuration, which Multus looks for in a file', () => {
  for (const spec of [undefined, {}, { cniType: 'custom', customCNI: '' }]) {
    assert.deepEqual(rendered(spec).spec, {});
  }
});

test('plugins of the chain stand between the main plugin and the coordinator, as they are written', () => {
  const tuning = '{"type":"tuning","sysctl":{"net.core.somaxconn":"4096"},"big":12345678901234567890}';
  const spec = { ...macvlan, chainCNIJsonData: [`\n${tuning}\n`] };
  const { config = '' } = rendered(spec).spec ?? {};
  assert.deepEqual(
    plugins(spec).map(({ type }) => type),
    ['macvlan', 'tuning', 'coordinator'],
  );
  assert.ok(config.includes(tuning));
});

test('without the coordinator, its plugin is not in the chain', () => {
  const types = plugins({ ...macvlan, enableCoordinator: false }).map(({ type }) => type);
  assert.deepEqual(types, ['macvlan']);
});

test('no interface gets addresses with disableIPAM, unless ipam.enabled says so', () => {
  const hasIpam = (spec: object) => 'ipam' in (plugins({ ...macvlan, ...spec })[0] ?? {});
  assert.equal(hasIpam({}), true);
  assert.equal(hasIpam({ disableIPAM: true }), false);
  assert.equal(hasIpam({ ipam: { enabled: false } }), false);
  assert.equal(hasIpam({ disableIPAM: true, ipam: { enabled: true } }), true);
  assert.equal(hasIpam({ disableIPAM: true, ipam: { logOptions: {} } }), false);
});

test('empty lists of pools and options of another type are left out', () => {
  const ippools = { ipv4: [], ipv6: ['p6'], matchMasterSubnet: true };
  const [main] = plugins({ cniType: 'ib-sriov', ibsriov: { resourceName: 'r', ippools } });
  assert.deepEqual(main?.ipam, { type: 'spiderpool', default_ipv6_ippool: ['p6'] });
});

test('log options arrive under the names that each plugin reads, and the more special ones decide', () => {
  const spec = {
    ...macvlan,
    logOptions: { logLevel: 'debug', logFileMaxCount: 0, logFilePath: '' },
    ipam: { logOptions: { logFilePath: '/var/log/ipam.log', logFileMaxSize: 10, logFileMaxAge: 0 } },
    coordinator: { logOptions: { logLevel: 'error', logFilePath: '/var/log/c.log', logFileMaxAge: 3 } },
  };
  const [main, coordinator] = plugins(spec);
  assert.deepEqual(main?.ipam, {
    type: 'spiderpool',
    log_level: 'debug',
    log_file_path: '/var/log/ipam.log',
    log_file_max_size: 10,
    log_file_max_age: 0,
    log_file_max_count: 0,
  });
  assert.deepEqual(coordinator?.logOptions, {
    logLevel: 'error',
    logFile: '/var/log/c.log',
    logMaxAge: 3,
    logMaxCount: 0,
  });
});

test('an object that an older admission accepted and that makes no sense gives issues and no definition', () => {
  const tooMany = { cniType: 'macvlan', macvlan: { master: ['eth0', 'eth1'] } };
  for (const spec of [tooMany, { cniType: 'macvlan' }, { cniType: 'token-ring' }, { macvlan: 5 }]) {
    const { definition, issues } = renderDefinition(configObject(spec));
    assert.equal(definition, undefined);
    assert.notEqual(issues?.length ?? 0, 0);
  }
});

test('an object without the defaults of the CRD is rendered with them', () => {
  const stored = { ...configObject(undefined), spec: { cniType: 'vlan', vlan: { master: ['eth0'] } } };
  const { definition } = renderDefinition(stored as unknown as Parameters<typeof renderDefinition>[0]);
  assert.match(definition?.spec?.config ?? '', /"vlanMode":"manual","vlanId":0,"mtu":0/);
});

test('objects that Spiderpool’s webhook completed are rendered as Spiderpool did', () => {
  const shared = {
    enableCoordinator: true,
    disableIPAM: false,
    chainCNIJsonData: [],
    coordinator: completedCoordinator,
  };
  const parented = { master: ['eth0'], mtu: 0, vlanID: 0, rdmaResourceName: '', ippools: {} };
  const specs: [object, string][] = [
    [
      { cniType: 'macvlan', macvlan: parented },
      '{"type":"macvlan","master":"eth0","mode":"bridge","mtu":0,"ipam":{"type":"spiderpool"}}',
    ],
    [
      { cniType: 'ovs', ovs: { bridge: 'br1', vlan: 0, deviceID: '', ippools: {} } },
      '{"vlan":0,"type":"ovs","bridge":"br1","ipam":{"type":"spiderpool"}}',
    ],
  ];
  for (const [spec, main] of specs) {
    const [text = ''] =
      /(?<="plugins":\[).*(?=\])/.exec(rendered({ ...shared, ...spec }).spec?.config ?? '') ?? [];
    assert.equal(text, `${main},{"txQueueLen":0,"tunePodRoutes":true,"mode":"auto","type":"coordinator"}`);
  }
  const custom = { cniType: 'custom', customCNI: '', enableCoordinator: false, chainCNIJsonData: [] };
  assert.deepEqual(rendered(custom).spec, {});
});
