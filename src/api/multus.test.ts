// Network annotations as users write them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDefaultNetwork, parseNetworkStatus, parseNetworks } from './multus.ts';

test('a comma list names networks with and without namespace and interface', () => {
  assert.deepEqual(parseNetworks('kube-system/a@net9, b ,c', 'shop'), [
    { name: 'a', namespace: 'kube-system', interface: 'net9' },
    { name: 'b', namespace: 'shop', interface: 'net2' },
    { name: 'c', namespace: 'shop', interface: 'net3' },
  ]);
  assert.deepEqual(parseNetworks('', 'shop'), []);
});

test('a JSON list may ask for addresses, MAC and the default route', () => {
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

test('bad networks are refused with annotation, value and form', () => {
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
    ['[{"name":"a","mac":"0a:1b"}]', /\[0\]\.mac: "0a:1b" must match/],
    ['[{"name":"a","ips":["10.6.0.300"]}]', /\[0\]\.ips\[0\]: "10\.6\.0\.300" must be an IP address/],
    ['a@net2,b', /interface "net2" is named twice/],
  ];
  for (const [annotation, message] of cases) {
    assert.throws(() => parseNetworks(annotation, 'shop'), { code: 'INPUT_INVALID', message });
  }
});

test('the default network is exactly one, for eth0', () => {
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

test('the status that Multus writes can be read', () => {
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
