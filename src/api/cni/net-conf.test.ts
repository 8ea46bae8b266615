// Network configurations: keys as Go reads them, each plugin's own fields, and errors that name the field.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoordinatorConf } from './coordinator-conf.ts';
import { parseSpiderpoolIpam } from './ipam-conf.ts';
import { parseNetConf, parseNetConfList, prevResultOf, versionAsked, versionOf } from './net-conf.ts';
import { requireVersion } from './spec-version.ts';

function conf(fields: object) {
  return parseNetConf(JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: 'coordinator', ...fields }));
}

test('keys match in any case, and of several spellings the last one counts', () => {
  const read = parseNetConf(
    '{"CNIVERSION":"0.3.1","Name":"a","name":"b","TYPE":"coordinator","podDefaultRouteNIC":"net1"}',
  );
  assert.equal(versionOf(read), '0.3.1');
  assert.equal(read.name, 'b');
  assert.equal(parseCoordinatorConf(read).podDefaultRouteNic, 'net1');
});

test('null leaves a field unset, and the fields of other plugins are kept', () => {
  const read = conf({ ipam: null, master: 'lan0' });
  assert.equal(read.ipam, undefined);
  assert.equal((read as { master?: string }).master, 'lan0');
});

test('a field that we do not read is never an error, whatever its value', () => {
  const unread = [
    'capabilities',
    'dns',
    'ipMasq',
    'args',
    'runtimeConfig',
    'ipam',
    'prevResult',
    'disableCheck',
  ];
  for (const field of unread) {
    for (const value of [null, '', 0, [], {}, { ips: null, mac: '' }, 'x', [null]]) {
      assert.equal(conf({ [field]: value }).name, 'net', `${field} ${JSON.stringify(value)}`);
    }
  }
});

test('a list and a single configuration are distinguished as in Multus, with the booleans of libcni', () => {
  const read = (fields: object) =>
    parseNetConfList(JSON.stringify({ name: 'a', ...fields }), { subject: 'x' });
  const plugins = [{ type: 'bridge', capabilities: null }];
  assert.deepEqual(read({ Plugins: plugins }).plugins, [{ type: 'bridge' }]);
  assert.equal(read({ plugins, type: 'macvlan' }).plugins[0]?.type, 'macvlan');
  for (const text of ['true', 'True', true])
    assert.equal(read({ plugins, disableCheck: text }).disableCheck, true);
  for (const text of ['false', false]) assert.equal(read({ plugins, disableGC: text }).disableGC, false);
  assert.equal(read({ plugins, disableGC: null }).disableGC, undefined);
});

test('standard input that is not a JSON object is error 6', () => {
  for (const stdin of ['{', '', '[]', '"x"', 'null']) {
    assert.throws(() => parseNetConf(stdin), { code: 'CNI_INPUT_UNDECODABLE' }, stdin);
  }
});

test('20,000 nested arrays are refused with the limit, and brackets in a string do not count', () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  const message = /network configuration: objects and lists are nested more than 200 levels deep/;
  for (const stdin of [deep, `{"name":"net","type":"x","args":${deep}}`, '{"a":'.repeat(20_000)]) {
    assert.throws(() => parseNetConf(stdin), { code: 'CNI_INPUT_UNDECODABLE', message });
  }
  const text = '[{"\\'.repeat(1000);
  assert.deepEqual((conf({ text }) as { text?: string }).text, text);
  assert.equal(conf({ list: JSON.parse('['.repeat(190) + ']'.repeat(190)) as unknown }).name, 'net');
});

test('the requested version is known even when the configuration is refused for another reason', () => {
  const cases: [string, string | undefined][] = [
    ['{"prevResult":{"cniVersion":"0.3.0"},"cniVersion":"1.1.0","name":"-bad"}', '1.1.0'],
    ['{"CNIVERSION":"0.4.0","name":5}', '0.4.0'],
    ['{"name":"net"}', '0.1.0'],
    ['{"cniVersion" : "1.0.0", half', '1.0.0'],
    [`{"cniVersion":"1.0.0","args":${'['.repeat(20_000)}`, '1.0.0'],
    ['half', undefined],
  ];
  for (const [stdin, version] of cases) assert.equal(versionAsked(stdin), version, stdin.slice(0, 80));
});

test('a configuration without a good name or type is invalid', () => {
  assert.throws(() => parseNetConf('{"type":"coordinator"}'), {
    code: 'INPUT_INVALID',
    message: /name: is required/,
  });
  assert.throws(() => parseNetConf('{"name":"-a","type":"x"}'), {
    code: 'INPUT_INVALID',
    message: /name: "-a" must match/,
  });
  assert.throws(() => parseNetConf('{"name":"a"}'), { code: 'INPUT_INVALID', message: /type: is required/ });
});

test('an unsupported version is refused with a list of the supported ones', () => {
  assert.equal(versionOf(parseNetConf('{"name":"a","type":"x"}')), '0.1.0');
  const message =
    'incompatible CNI versions: cniVersion "0.2.0" is not one of 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0';
  assert.throws(() => requireVersion('0.2.0'), { code: 'CNI_VERSION_UNSUPPORTED', message });
  assert.throws(() => requireVersion('1.0.0', '1.1.0'), { message: /is not one of 1\.1\.0$/ });
});

test('prevResult is read in the version of the configuration, and may be missing or empty', () => {
  assert.equal(prevResultOf(conf({})), undefined);
  assert.equal(prevResultOf(conf({ prevResult: null })), undefined);
  assert.deepEqual(prevResultOf(conf({ prevResult: {} })), {});
  const prevResult = { ips: [{ version: '4', address: '10.6.0.5/16' }] };
  assert.deepEqual(prevResultOf(conf({ cniVersion: '0.3.1', prevResult })), {
    ips: [{ address: '10.6.0.5/16' }],
  });
});

test('the list of valid attachments for GC is read', () => {
  const read = conf({ 'cni.dev/valid-attachments': [{ containerID: 'a', ifname: 'eth0' }] });
  assert.deepEqual(read['cni.dev/valid-attachments'], [{ containerID: 'a', ifname: 'eth0' }]);
});

test('the coordinator accepts every key of Spiderpool', () => {
  const fields = {
    type: 'coordinator',
    mode: 'underlay',
    podDefaultCniNic: 'eth0',
    podDefaultRouteNic: '',
    tunePodRoutes: true,
    overlayPodCIDR: ['10.233.64.0/18'],
    serviceCIDR: ['10.233.0.0/18', 'fd00:233::/112'],
    hijackCIDR: ['169.254.0.0/16'],
    policyRoutes: [{ dst: '10.9.0.0/16', gw: '10.6.0.2' }],
    podMACPrefix: '0a:1b',
    hostRuleTable: 500,
    podRPFilter: -1,
    hostRPFilter: 0,
    txQueueLen: 2000,
    vethLinkAddress: '169.254.200.1',
    vethMTU: 1400,
    detectGateway: false,
    detectIPConflict: true,
    multusNicPrefix: 'net',
    logOptions: { logLevel: 'debug', logFile: '/var/log/x', logMaxSize: 1, logMaxAge: 1, logMaxCount: 1 },
  };
  const read = parseCoordinatorConf(conf(fields));
  assert.deepEqual(read, { cniVersion: '1.0.0', name: 'net', ...fields });
  for (const spell of [(key: string) => key.toLowerCase(), (key: string) => key.toUpperCase()]) {
    const spelled = Object.fromEntries(Object.entries(fields).map(([key, value]) => [spell(key), value]));
    assert.deepEqual(parseCoordinatorConf(conf(spelled)), read, 'in any case of letters, as Go reads them');
  }
});

test('bare addresses and blanks in lists of networks are accepted', () => {
  const read = parseCoordinatorConf(
    conf({ hijackCIDR: [' 10.0.0.0/8', '169.254.25.10', 'fd00::1'], mode: 'disabled' }),
  );
  assert.deepEqual(read.hijackCIDR, ['10.0.0.0/8', '169.254.25.10/32', 'fd00::1/128']);
  assert.equal(read.mode, 'disable');
});

test('an error names each wrong field of the coordinator with its value and the allowed values', () => {
  const cases: [object, RegExp][] = [
    [{ mode: 'tunnel' }, /mode: "tunnel" is not one of auto, underlay, overlay, disable, disabled/],
    [{ hijackCIDR: ['10.0.0.0/33'] }, /hijackCIDR\[0\]: "10\.0\.0\.0\/33" must be a network or an address/],
    [
      { policyRoutes: [{ dst: '10.0.0.0/8', gw: 'fd00::1' }] },
      /policyRoutes\[0\].* must use the same IP family/,
    ],
    [{ policyRoutes: [{ dst: '10.0.0.0/8' }] }, /policyRoutes\[0\]\.gw: is required/],
    [{ policyRoutes: [{ dst: '10.0.0.0/8', gw: 'x' }] }, /policyRoutes\[0\]\.gw: "x" must be/],
    [{ policyRoutes: [{ dst: 'x', gw: '10.0.0.1' }] }, /policyRoutes\[0\]\.dst: "x" must be a network/],
    [{ podMACPrefix: '01:10' }, /podMACPrefix: "01:10" must/],
    [{ podRPFilter: 3 }, /podRPFilter: 3 is not one of -1, 0, 1, 2/],
    [{ vethMTU: 0 }, /vethMTU: 0 must be at least 68/],
    [{ vethLinkAddress: 'fd00::1' }, /vethLinkAddress: "fd00::1" must be an IPv4 address/],
    [{ tunePodRoutes: 'yes' }, /tunePodRoutes: "yes" must be of type boolean/],
    [{ detectOptions: { timeout: '1h' } }, /timeout: "1h" must be a duration in ms or s, for example 300ms/],
    [{ detectOptions: { timeout: '20s' } }, /timeout: .* must be 50ms to 10s/],
    [{ podDefaultRouteNic: 'a b' }, /podDefaultRouteNic: "a b" must/],
    [
      { logOptions: { logLevel: 'loud' } },
      /logOptions\.logLevel: "loud" is an unsupported log level; allowed: debug, info/,
    ],
  ];
  for (const [fields, message] of cases) {
    assert.throws(() => parseCoordinatorConf(conf(fields)), { code: 'INPUT_INVALID', message });
  }
});

test('a list that is long enough to block the node is refused with the limit', () => {
  const networks = Array.from({ length: 1001 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  const message = /hijackCIDR: .* must be at most 1000 entries long$/;
  assert.throws(() => parseCoordinatorConf(conf({ hijackCIDR: networks })), {
    code: 'INPUT_INVALID',
    message,
  });
  assert.equal(parseCoordinatorConf(conf({ hijackCIDR: networks.slice(1) })).hijackCIDR?.length, 1000);
  const ips = networks.map((address) => ({ address }));
  assert.throws(() => prevResultOf(conf({ prevResult: { ips } })), {
    message: /ips: .* at most 1000 entries/,
  });
});

test('an error names the first ten of hundreds of wrong values, and the number of the others', () => {
  const hijackCIDR = Array.from({ length: 1000 }, (_, i) => `x${i}`);
  assert.throws(
    () => parseCoordinatorConf(conf({ hijackCIDR })),
    (error: Error) => {
      assert.match(error.message, /hijackCIDR\[9\]: "x9" must be a network .*; 990 more fields are wrong$/);
      return error.message.length < 2000;
    },
  );
});

test('the ipam object has defaults, and takes log limits as numbers or text', () => {
  const ipam = {
    type: 'spiderpool',
    default_ipv4_ippool: ['p4'],
    log_file_max_size: '100',
    log_file_max_age: 30,
  };
  assert.deepEqual(parseSpiderpoolIpam(conf({ ipam })), {
    ...ipam,
    log_file_max_size: 100,
    clean_gateway: false,
    match_master_subnet: false,
  });
});

test('a wrong ipam object is refused with the name of the field', () => {
  const refused = (ipam: object | undefined) => () => parseSpiderpoolIpam(conf({ ipam }));
  assert.throws(refused(undefined), { message: /ipam: is required/ });
  assert.throws(refused({ type: 'host-local' }), {
    message: /ipam\.type: "host-local" is not one of spiderpool/,
  });
  assert.throws(refused({ type: 'spiderpool', default_ipv6_ippool: 'p' }), {
    message: /ipam\.default_ipv6_ippool: "p" must/,
  });
});

test('a single configuration becomes a list of one plugin, and the definition gives it its name', () => {
  const list = parseNetConfList('{"type":"macvlan","master":"lan0"}', { subject: 'x', defaultName: 'lan' });
  assert.deepEqual(list, { name: 'lan', plugins: [{ type: 'macvlan', master: 'lan0', name: 'lan' }] });
});

test('a list without plugins, or with a plugin without a type, is refused', () => {
  const subject = 'NetworkAttachmentDefinition a/b';
  assert.throws(() => parseNetConfList('{"name":"a","plugins":[]}', { subject }), {
    message: /plugins: \[\] must be at least 1/,
  });
  assert.throws(() => parseNetConfList('{"name":"a","plugins":[{}]}', { subject }), {
    message: 'NetworkAttachmentDefinition a/b: plugins[0].type: is required',
  });
});
