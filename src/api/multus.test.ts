// Network annotations as users write them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDefaultNetwork, parseNetworkStatus, parseNetworks, requestsOf } from './multus.ts';

test('a comma list names networks with or without namespace and interface', () => {
  assert.deepEqual(parseNetworks('kube-system/a@net9, b ,c', 'shop'), [
    { name: 'a', namespace: 'kube-system', interface: 'net9' },
    { name: 'b', namespace: 'shop', interface: 'net2' },
    { name: 'c', namespace: 'shop', interface: 'net3' },
  ]);
  assert.deepEqual(parseNetworks('', 'shop'), []);
});

test('a JSON list may request addresses, a MAC address and the default route', () => {
  const selection = {
    name: 'a',
    namespace: 'n',
    interface: 'net1',
    ips: ['10.6.0.9/16', 'fd00::9'],
    mac: '0a:1b:00:00:00:01',
    'default-route': ['10.6.0.1'],
  };
  assert.deepEqual(parseNetworks(JSON.stringify([selection, { name: 'b' }], null, 2), 'shop'), [
    selection,
    { name: 'b', namespace: 'shop', interface: 'net2' },
  ]);
});

test('a JSON list over several lines is read like one in a line', () => {
  const networks = [
    { name: 'a', namespace: 'kube-system', interface: 'net1' },
    { name: 'b', namespace: 'apps' },
  ];
  for (const indent of [0, 2, '\t']) {
    const parsed = parseNetworks(`\n${JSON.stringify(networks, null, indent)}\n`, 'default');
    assert.deepEqual(
      parsed.map(({ namespace, name, interface: nic }) => `${namespace}/${name}@${nic}`),
      ['kube-system/a@net1', 'apps/b@net2'],
    );
  }
});

test('bad networks are refused with the annotation, the value and the expected form', () => {
  const cases: [string, RegExp][] = [
    [
      'a//b',
      /^annotation k8s\.v1\.cni\.cncf\.io\/networks: "a\/\/b" does not have the form \[namespace\/\]name\[@interface\]/,
    ],
    ['a@x/y', /does not have the form/],
    ['Upper', /does not have the form/],
    ['[{"name":"a"', /is not valid JSON/],
    ['{"name":"a"}', /must be of type array/],
    ['[{"namespace":"a"}]', /\[0\]\.name: is required/],
    ['a@net2,b', /interface "net2" is named twice/],
  ];
  for (const [annotation, message] of cases) {
    assert.throws(() => parseNetworks(annotation, 'shop'), { code: 'INPUT_INVALID', message });
  }
});

test('a network selection accepts what Multus accepts, and no field of Multus or the plugins is an error', () => {
  const macs = [
    '',
    '02:00:00:00:00:05',
    '02-00-00-00-00-05',
    '0200.0000.0005',
    '02:00:5E:10:00:00:00:01',
    '0200.5e10.0000.0001',
    Array(20).fill('0f').join('-'),
  ];
  const fields: Record<string, unknown>[] = [
    ...macs.flatMap((mac) => [{ mac }, { 'infiniband-guid': mac }, { MAC: mac }]),
    { mac: null, 'infiniband-guid': null, ips: null, namespace: null, interface: null, 'cni-args': null },
    { namespace: '', interface: '' },
    { ips: [] },
    { ips: ['10.6.0.9', 'fd00::9/64'] },
    { portMappings: 'x', bandwidth: 7, deviceID: [], 'x-later': {} },
    { 'cni-args': {} },
    { 'default-route': [] },
    { 'default-route': ['10.6.0.1', ''] },
  ];
  for (const more of fields) {
    const [selection] = parseNetworks(JSON.stringify([{ name: 'bond-net', ...more }]), 'kube-system');
    assert.deepEqual(
      [selection?.name, selection?.namespace, selection?.interface],
      ['bond-net', 'kube-system', 'net1'],
      JSON.stringify(more),
    );
    assert.ok(selection && requestsOf(selection), 'and as Multus passes it on');
  }
});

test('a field that Multus checks is no error for a NIC here, but for the reader that acts as Multus', () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ mac: '0a:1b' }, /network a: mac: "0a:1b" must be a hardware address/],
    [{ mac: '02:00-00:00:00:05' }, /must be a hardware address/],
    [{ mac: '02:00:00:00:00:00:05' }, /must be a hardware address/],
    [{ 'infiniband-guid': '0200:0000:0005' }, /infiniband-guid: .* must be a hardware address/],
    [{ ips: ['10.6.0.300'] }, /ips\[0\]: "10\.6\.0\.300" must be an IP address/],
    [{ ips: '10.6.0.3' }, /ips: "10\.6\.0\.3" must be of type array/],
    [{ 'cni-args': [] }, /cni-args/],
  ];
  for (const [more, message] of wrong) {
    const [selection] = parseNetworks(JSON.stringify([{ name: 'a', ...more }]), 'shop');
    assert.ok(selection);
    assert.throws(() => requestsOf(selection), { code: 'INPUT_INVALID', message });
  }
});

test('an interface name may stand in the field of the versions before Multus 3.2', () => {
  const interfaceOf = (more: object) =>
    parseNetworks(JSON.stringify([{ name: 'a', ...more }]), 'shop').map((one) => one.interface);
  assert.deepEqual(interfaceOf({ interfaceRequest: 'old0' }), ['old0']);
  assert.deepEqual(interfaceOf({ interfaceRequest: 'old0', interface: 'new0' }), ['new0']);
});

test('names in a comma list may have blanks around them, and namespace and interface may be empty', () => {
  for (const item of ['shop / a @ net1', '/a@', 'a @net1', ' a']) {
    const [selection] = parseNetworks(item, 'shop');
    assert.deepEqual([selection?.namespace, selection?.name, selection?.interface], ['shop', 'a', 'net1']);
  }
});

test('the default network is exactly one network, for eth0', () => {
  const expected = { name: 'a', namespace: 'kube-system', interface: 'eth0' };
  for (const annotation of ['a', 'kube-system/a', 'a@eth0', '[{"name":"a"}]']) {
    assert.deepEqual(parseDefaultNetwork(annotation, 'kube-system'), expected);
  }
  for (const annotation of ['a,b', '', '[]']) {
    assert.throws(() => parseDefaultNetwork(annotation, 'kube-system'), {
      message: /must name exactly one network/,
    });
  }
});

test('the network status that Multus writes can be read', () => {
  const status = [
    {
      name: 'kube-system/a',
      interface: 'eth0',
      ips: ['10.6.0.5'],
      mac: '0a:1b:00:00:00:01',
      default: true,
      dns: {},
    },
  ];
  assert.deepEqual(parseNetworkStatus(JSON.stringify(status)), status);
});
